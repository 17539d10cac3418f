import { GoogleGenAI } from "@google/genai";
const client = new GoogleGenAI({ apiKey: process.env.GEMINI_API_KEY });
console.log((await client.models.generateContent({ model: "m", contents: "hi" })).text);
let text = "";
for await (const chunk of await client.models.generateContentStream({ model: "m", contents: "hi" })) text += chunk.text ?? "";
console.log(text);
