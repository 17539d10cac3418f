// A call and a stream by Java's own java.net.http: `java Plain.java`.
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;

class Plain {
    static HttpRequest request(String more) {
        String body = "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]" + more + "}";
        return HttpRequest.newBuilder(URI.create(System.getenv("OPENAI_BASE_URL") + "/chat/completions"))
            .header("content-type", "application/json").POST(HttpRequest.BodyPublishers.ofString(body)).build();
    }

    public static void main(String[] arguments) throws Exception {
        HttpClient client = HttpClient.newHttpClient();  // it offers an upgrade to HTTP/2
        System.out.println(client.send(request(""), BodyHandlers.ofString()).body());
        var lines = client.send(request(",\"stream\":true"), BodyHandlers.ofLines()).body();
        System.out.println(lines.filter(line -> line.startsWith("data: ")).count());
    }
}
