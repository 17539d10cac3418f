import { createOpenAI } from "@ai-sdk/openai";
import { generateText, streamText } from "ai";
const openai = createOpenAI();
console.log((await generateText({ model: openai.chat("m"), prompt: "hi", maxRetries: 0 })).text);
const { textStream } = streamText({ model: openai.chat("m"), prompt: "hi", maxRetries: 0 });
let text = "";
for await (const part of textStream) text += part;
console.log(text);
