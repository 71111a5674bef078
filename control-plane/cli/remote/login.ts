import { mkdir, open, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { z } from 'zod';
import { fail } from '../../../protocol/failure.ts';
import { writeDurably } from '../../durable.ts';
import type { CliSettings } from '../config.ts';
import { controlPlaneOrigin } from './address.ts';

const fileSchema = z.object({ v: z.literal(1), url: z.string(), key: z.string() });

const KEY = /^hp_[\x21-\x7e]{1,500}$/;

/**
 * What is no key is never sent: a header refuses some of it, in words that repeat it.
 * @throws FailureError `invalid_input`
 */
export function requireApiKey(text: string, what: string): void {
  if (KEY.test(text)) return;
  throw fail(
    'invalid_input',
    `${what} is not an API key: those are one word that begins with hp_.`,
    'Make one in the UI, Settings → API keys.',
  );
}

/** Where commands go and with which API key; `from` says who told. */
export interface Login {
  url: string;
  key: string;
  from: 'environment' | 'file';
}

/**
 * The environment's login, else the saved one. The saved key goes to the saved address and nowhere else.
 * @throws FailureError `unauthorized` where there is none
 */
export async function currentLogin({ apiKey, loginFile, url }: CliSettings): Promise<Login> {
  const saved = await savedLogin(loginFile);
  const wanted = url === undefined ? undefined : controlPlaneOrigin(url);
  if (apiKey !== undefined) {
    requireApiKey(apiKey, 'HOMEPORT_API_KEY');
    const address = wanted ?? saved?.url;
    if (address === undefined)
      throw fail(
        'invalid_input',
        'HOMEPORT_API_KEY is set, but not which control plane it is for.',
        'Set HOMEPORT_URL as well, e.g. to https://backups.example.org.',
      );
    return { url: address, key: apiKey, from: 'environment' };
  }
  if (!saved)
    throw fail(
      'unauthorized',
      'You are not logged in.',
      'Run: homeport login --url https://… (it asks for an API key), or set HOMEPORT_URL and HOMEPORT_API_KEY.',
    );
  if (wanted !== undefined && wanted !== saved.url)
    throw fail(
      'unauthorized',
      `HOMEPORT_URL is ${wanted}, but the login is for ${saved.url}.`,
      'Unset HOMEPORT_URL, set HOMEPORT_API_KEY for that control plane, or log in there.',
    );
  return { ...saved, from: 'file' };
}

/** @throws FailureError `invalid_input` for a file that others may read or that cannot be understood */
async function savedLogin(path: string): Promise<{ url: string; key: string } | undefined> {
  const text = await readPrivate(path);
  if (text === undefined) return undefined;
  const parsed = fileSchema.safeParse(jsonOf(text));
  if (!parsed.success)
    throw fail('invalid_input', `${path} is not a login of this version.`, 'Run homeport login again.');
  requireApiKey(parsed.data.key, `The key in ${path}`);
  return { url: controlPlaneOrigin(parsed.data.url), key: parsed.data.key };
}

async function readPrivate(path: string): Promise<string | undefined> {
  const file = await open(path, 'r').catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT' || cause.code === 'ENOTDIR') return undefined;
    throw fail('invalid_input', `${path} cannot be read.`, 'Check whose file it is.', { cause });
  });
  if (!file) return undefined;
  try {
    const { mode } = await file.stat();
    if ((mode & 0o077) !== 0)
      throw fail('invalid_input', `Others on this host may read ${path}.`, `Run: chmod 600 ${path}`);
    return await file.readFile('utf8');
  } finally {
    await file.close();
  }
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Keeps a login for later commands: mode 0600, entirely or not at all. */
export async function saveLogin(path: string, { key, url }: Pick<Login, 'url' | 'key'>): Promise<void> {
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    await writeDurably(path, `${JSON.stringify({ v: 1, url, key }, null, 2)}\n`);
  } catch (cause) {
    throw fail(
      'invalid_input',
      `The login cannot be kept in ${path}.`,
      'Set XDG_CONFIG_HOME to a directory you may write, or use HOMEPORT_URL and HOMEPORT_API_KEY.',
      { cause },
    );
  }
}

/** @returns whether there was one */
export async function forgetLogin(path: string): Promise<boolean> {
  try {
    await rm(path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}
