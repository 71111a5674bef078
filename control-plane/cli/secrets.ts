import { open } from 'node:fs/promises';
import { stderr, stdin } from 'node:process';
import { createInterface } from 'node:readline/promises';
import { fail } from '../../protocol/failure.ts';
import { EXIT, Quit } from './exit.ts';

const MAX_SECRET_BYTES = 64 * 1024;

/**
 * A secret from a file only its owner may read, from standard input (`-` or no file), or typed unseen on a
 * terminal; never from argv, which every user of the host can see.
 * @throws FailureError `invalid_input`
 */
export async function readSecret(what: string, file: string | undefined): Promise<string> {
  const fromInput = () => (stdin.isTTY ? typed(what) : piped());
  const text = await (file !== undefined && file !== '-' ? fromFile(file) : fromInput());
  const secret = text.replace(/\r?\n$/, '');
  if (secret === '') throw fail('invalid_input', `${what}: nothing was given.`, 'Give it and try again.');
  return secret;
}

async function fromFile(path: string): Promise<string> {
  const handle = await open(path, 'r').catch((cause) => {
    throw fail('invalid_input', `${path} cannot be read.`, 'Check the path and whose file it is.', { cause });
  });
  try {
    const { mode } = await handle.stat();
    if ((mode & 0o077) !== 0)
      throw fail('invalid_input', `Others on this host may read ${path}.`, `Run: chmod 600 ${path}`);
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(MAX_SECRET_BYTES), 0, MAX_SECRET_BYTES, 0);
    return buffer.toString('utf8', 0, bytesRead);
  } finally {
    await handle.close();
  }
}

async function piped(): Promise<string> {
  const parts: Buffer[] = [];
  let length = 0;
  for await (const part of stdin as AsyncIterable<Buffer>) {
    length += part.length;
    if (length > MAX_SECRET_BYTES)
      throw fail('invalid_input', 'Standard input is too long.', 'Give the secret only.');
    parts.push(part);
  }
  return Buffer.concat(parts).toString('utf8');
}

/** One line from the terminal, without echo. */
async function typed(what: string): Promise<string> {
  // Before the prompt: what is pasted the moment it shows must not be echoed.
  stdin.setRawMode(true);
  stderr.write(`${what}: `);
  let text = '';
  try {
    // Not destroyed: a question may follow.
    for await (const part of stdin.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      for (const character of part.toString('utf8')) {
        if (character === '\r' || character === '\n') return text;
        if (character === '\u0003') throw new Quit(EXIT.interrupted);
        text = character === '\u007f' ? [...text].slice(0, -1).join('') : text + character;
      }
    }
    return text;
  } finally {
    stdin.setRawMode(false);
    stdin.pause();
    stderr.write('\n');
  }
}

/** One line of an answer, echoed; only for where standard input is a terminal. Ctrl-C and Ctrl-D end the command. */
export async function ask(question: string): Promise<string> {
  const lines = createInterface({ input: stdin, output: stderr });
  try {
    return await new Promise<string>((resolve, reject) => {
      lines.once('close', () => reject(new Quit(EXIT.interrupted)));
      lines.question(question).then(resolve, reject);
    });
  } finally {
    lines.close();
  }
}
