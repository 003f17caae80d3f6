import { spawn } from 'node:child_process';
import { once } from 'node:events';

/** Runs a command to its end; `input` goes to its standard input. */
export const runCommand = async (command, args, { env, input = '', signal } = {}) => {
  const child = spawn(command, args, { env, stdio: 'pipe', signal });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text) => {
    stderr += text;
  });
  child.stdin.on('error', () => {});
  child.stdin.end(input);
  const [code] = await once(child, 'close');
  return { code, stdout: stdout.trimEnd(), stderr: stderr.trimEnd() };
};

/** A server that speaks MCP over the standard streams of an attached `cm-worker exec`. */
export const startServer = (command, args, { env, signal }) => {
  const child = spawn(command, args, { env, stdio: ['pipe', 'pipe', 'pipe'], signal });
  const exited = once(child, 'exit').then(([code, by]) => ({ code, signal: by }));
  // Cancelling the demo ends it with an AbortError; its exit is what counts.
  child.on('error', () => {});
  exited.catch(() => {});
  child.stdin.on('error', () => {});
  let pending = '';
  let complaints = '';
  child.stderr.setEncoding('utf8').on('data', (text) => {
    complaints = (complaints + text).slice(-2000);
  });
  const waiting = new Map();
  child.stdout.setEncoding('utf8').on('data', (text) => {
    const lines = (pending + text).split('\n');
    pending = lines.pop() ?? '';
    for (const line of lines.filter(Boolean)) {
      const message = JSON.parse(line);
      waiting.get(message.id)?.(message);
    }
  });
  return {
    exited,
    /** Sends one request and resolves with its answer. */
    request: (id, method, params) => {
      const answer = new Promise((resolve) => waiting.set(id, resolve));
      child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', id, method, params })}\n`);
      const ended = exited.then(({ code }) => {
        throw new Error(`the server ended (${code}) before it answered ${method}: ${complaints}`);
      });
      ended.catch(() => {});
      return Promise.race([answer, ended]);
    },
  };
};
