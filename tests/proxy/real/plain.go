// A call and a stream by Go's own net/http: `go run plain.go`.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strings"
)

func post(body string) *http.Response {
	answer, err := http.Post(os.Getenv("OPENAI_BASE_URL")+"/chat/completions", "application/json", strings.NewReader(body))
	if err != nil || answer.StatusCode != 200 {
		fmt.Fprintln(os.Stderr, err, answer)
		os.Exit(1)
	}
	return answer
}

func main() {
	var chat struct {
		Choices []struct{ Message struct{ Content string } }
	}
	if err := json.NewDecoder(post(`{"model":"m","messages":[{"role":"user","content":"hi"}]}`).Body).Decode(&chat); err != nil {
		panic(err)
	}
	fmt.Println(chat.Choices[0].Message.Content)
	events := 0
	lines := bufio.NewScanner(post(`{"model":"m","messages":[{"role":"user","content":"hi"}],"stream":true}`).Body)
	for lines.Scan() {
		if strings.HasPrefix(lines.Text(), "data: ") {
			events++
		}
	}
	fmt.Println(events)
}
