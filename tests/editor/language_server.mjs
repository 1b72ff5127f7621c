// What an editor makes of ontology/eventloom.schema.json, asked of the language server that most of them
// use. Not part of `cargo test`, because it needs node and a package from npm:
//
//   npm install --prefix /tmp/server yaml-language-server
//   node tests/editor/language_server.mjs /tmp/server/node_modules/yaml-language-server
//
// It says what was asked and answered, and ends with 1 where an answer is not as expected.

import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';

const ontology = fileURLToPath(new URL('../../ontology', import.meta.url));
const uri = pathToFileURL(`${ontology}/try.yaml`).href;
const server = spawn('node', [`${process.argv[2]}/bin/yaml-language-server`, '--stdio']);
const yaml = { validate: true, hover: true, completion: true, schemaStore: { enable: false } };
const waiting = new Map();
let [received, last, version, found, failed] = [Buffer.alloc(0), 0, 0, [], false];

function send(message) {
  const text = JSON.stringify({ jsonrpc: '2.0', ...message });
  server.stdin.write(`Content-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`);
}

function ask(method, params) {
  last += 1;
  send({ id: last, method, params });
  return new Promise((resolve) => waiting.set(last, resolve));
}

function receive(message) {
  if (message.id !== undefined && message.method) {
    const settings = message.params?.items?.map(({ section }) => (section === 'yaml' ? yaml : {}));
    send({ id: message.id, result: settings ?? null });
  } else if (message.id !== undefined) {
    waiting.get(message.id)?.(message.result);
  } else if (message.method === 'textDocument/publishDiagnostics' && message.params.uri === uri) {
    found = message.params.diagnostics.map((diagnostic) => diagnostic.message);
  }
}

server.stdout.on('data', (data) => {
  received = Buffer.concat([received, data]);
  for (;;) {
    const head = received.indexOf('\r\n\r\n');
    if (head < 0) return;
    const end = head + 4 + Number(/Content-Length: (\d+)/i.exec(received.subarray(0, head))[1]);
    if (received.length < end) return;
    receive(JSON.parse(received.subarray(head + 4, end)));
    received = received.subarray(end);
  }
});

const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** Opens a text in place of the last one. `§` stands where the cursor is. */
async function open(marked) {
  const text = `# yaml-language-server: $schema=eventloom.schema.json\n${marked.replace('§', '')}`;
  if (version > 0) send({ method: 'textDocument/didClose', params: { textDocument: { uri } } });
  version += 1;
  send({ method: 'textDocument/didOpen', params: { textDocument: { uri, languageId: 'yaml', version, text } } });
  const before = marked.split('§')[0].split('\n');
  return { textDocument: { uri }, position: { line: before.length, character: before.at(-1).length } };
}

function expect(what, answered, wanted) {
  const missing = wanted.filter((text) => !answered.includes(text));
  failed ||= missing.length > 0;
  console.log(`${missing.length ? 'FAILED' : 'ok'}  ${what}${missing.length ? `\n  no ${missing} in\n${answered}` : ''}`);
}

async function completes(marked, wanted) {
  const { items } = await ask('textDocument/completion', await open(marked));
  expect(`completion at ${JSON.stringify(marked.slice(-40))}`, items.map((item) => ` ${item.label} `).join(), wanted.map((w) => ` ${w} `));
}

async function shows(marked, wanted) {
  const { contents } = await ask('textDocument/hover', await open(marked));
  expect(`hover over ${JSON.stringify(marked.slice(-40))}`, contents.value, wanted);
}

async function marks(text, wanted) {
  await open(text);
  await pause(2000);
  expect(`mistakes in ${JSON.stringify(text.slice(-40))}`, found.join('\n') || 'none', wanted);
}

const params = { processId: process.pid, rootUri: pathToFileURL(ontology).href };
const textDocument = { completion: { completionItem: { snippetSupport: true } }, hover: { contentFormat: ['markdown'] } };
await ask('initialize', { ...params, capabilities: { textDocument, workspace: { configuration: true } } });
send({ method: 'initialized', params: {} });
send({ method: 'workspace/didChangeConfiguration', params: { settings: { yaml } } });

const base = 'aggregateRoot: A\neventStore: {partitionKey: id}\n';
await marks(readFileSync(`${ontology}/banking-account.yaml`, 'utf8'), ['none']);
await marks(`${base}agregate: B\n`, ['Property agregate is not allowed']);
await marks(`${base}commands:\n  C:\n    target: nwe\n`, ['"new", "existing", "any"']);
await marks(`${base}events:\n  E:\n    schema: {}\n`, ['Missing property "version"']);
await completes(`${base}§`, ['commands', 'events', 'projections', 'scenarios']);
await completes(`${base}events:\n  E:\n    §`, ['apply', 'history', 'schema', 'version']);
await completes(`${base}commands:\n  C:\n    target: §`, ['new', 'existing', 'any']);
await completes(`${base}state:\n  total: §`, ['decimal', 'timestamp']);
await completes(`${base}projections:\n  P:\n    on:\n      E:\n        §`, ['insert', 'update', 'upsert', 'delete']);
await shows(`${base}eve§nts:\n  E: {version: v1, schema: {}}\n`, ['The events by name.', 'Example:', 'version: v1']);
await shows(`${base}commands:\n  C:\n    tar§get: new\n`, ['Which streams it addresses', '`existing`']);
server.kill();
process.exitCode = failed ? 1 : 0;
