// llama.cpp through node-llama-cpp: answers requests on stdin, one JSON object a line, with seconds, one a line.
// Usage: node llama_worker.mjs MODEL.gguf THREADS CONTEXT
// {"kind":"prefill","tokens":N}: a prompt without generation. {"kind":"decode","tokens":N,"after":M}: N tokens, one at a time.
import {createRequire} from "node:module";
import {pathToFileURL} from "node:url";
import readline from "node:readline";

const require = createRequire(process.cwd() + "/");
const {getLlama, LlamaLogLevel} = await import(pathToFileURL(require.resolve("node-llama-cpp")).href);
const [, , modelPath, threadsText, contextText] = process.argv;
const threads = Number(threadsText);
const llama = await getLlama({
    gpu: false, build: "never", usePrebuiltBinaries: true, progressLogs: false, logLevel: LlamaLogLevel.error, maxThreads: threads, skipDownload: true,
});
const model = await llama.loadModel({modelPath, useMmap: true, checkTensors: false});
const context = await model.createContext({
    contextSize: Number(contextText), batchSize: 512, sequences: 1, threads: {ideal: threads, min: threads},
});
const sequence = context.getSequence();
const vocabulary = Number(process.env.VOCABULARY ?? 32000);
let state = 12345;
const token = () => {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
    return Math.min(vocabulary - 1, 3) + (state >>> 8) % Math.max(1, vocabulary - 3);
};

async function prefill(tokens) {
    await sequence.clearHistory();
    const ids = Array.from({length: tokens}, token);
    const start = performance.now();
    await sequence.evaluateWithoutGeneratingNewTokens(ids);
    return (performance.now() - start) / 1000;
}

async function decode(tokens, after) {
    await prefill(after);
    const steps = sequence.evaluate([token()], {temperature: 0, yieldEogToken: true});
    await steps.next();
    const start = performance.now();
    for (let i = 0; i < tokens; i++) {
        if ((await steps.next()).done) {
            throw new Error("generation ended early");
        }
    }
    return (performance.now() - start) / 1000;
}

console.log(JSON.stringify({ready: `llama.cpp ${llama.llamaCppRelease.release}`, system: llama.systemInfo}));
for await (const line of readline.createInterface({input: process.stdin})) {
    const request = JSON.parse(line);
    const seconds = request.kind === "prefill" ? await prefill(request.tokens) : await decode(request.tokens, request.after);
    console.log(JSON.stringify({seconds}));
}
await context.dispose();
process.exit(0);
