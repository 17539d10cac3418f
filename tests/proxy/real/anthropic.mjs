import Anthropic from "@anthropic-ai/sdk";
const client = new Anthropic({ maxRetries: 0 });
const request = { model: "m", max_tokens: 9, messages: [{ role: "user", content: "hi" }] };
console.log((await client.messages.create(request)).content[0].text);
let text = "";
for await (const event of client.messages.stream(request)) if (event.type === "content_block_delta") text += event.delta.text;
console.log(text);
