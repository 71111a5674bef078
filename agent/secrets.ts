import { open, stat } from 'node:fs/promises';
import { stderr, stdin } from 'node:process';
import { fail } from '../protocol/failure.ts';

const MAX_SECRET_BYTES = 64 * 1024;

/**
 * A secret from a file only its owner may read, from standard input (`-` or no file), or typed unseen on a
 * terminal; never from argv, which every user of the host can see.
 * @throws FailureError `invalid_input`
 */
export async function readSecret(what: string, file: string | undefined): Promise<string> {
  const text = await (file !== undefined && file !== '-' ? fromFile(file) : fromInput(what));
  return text.replace(/\r?\n$/, '');
}

async function fromFile(path: string): Promise<string> {
  const { mode } = await stat(path).catch((cause) => {
    throw fail('invalid_input', `${path} cannot be read.`, 'Check the path.', { cause });
  });
  if ((mode & 0o077) !== 0) {
    throw fail('invalid_input', `Others on this host may read ${path}.`, `Run: chmod 600 ${path}`);
  }
  const handle = await open(path, 'r');
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(MAX_SECRET_BYTES), 0, MAX_SECRET_BYTES, 0);
    return buffer.toString('utf8', 0, bytesRead);
  } finally {
    await handle.close();
  }
}

function fromInput(what: string): Promise<string> {
  return stdin.isTTY ? typed(what) : piped();
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
    for await (const part of stdin as AsyncIterable<Buffer>) {
      for (const character of part.toString('utf8')) {
        if (character === '\r' || character === '\n') return text;
        if (character === '\u0003') throw fail('cancelled', 'Interrupted.', 'Nothing was changed.');
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
