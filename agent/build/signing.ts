import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { signBytes } from '../../protocol/handshake.ts';
import { ed25519Private, ed25519Raw, generateEd25519 } from '../../protocol/keys.ts';
import {
  RELEASE_FILE,
  RELEASE_SIGNATURE_FILE,
  type Release,
  type ReleaseSignature,
  releaseSchema,
  releaseTranscript,
} from '../../protocol/release.ts';
import { measured } from './measure.ts';

/** Writes a new release key, private half and all, into a file that is not there yet. @returns its public half */
export async function writeReleaseKey(file: string): Promise<string> {
  const { key, pem } = generateEd25519();
  await writeFile(file, pem, { flag: 'wx', mode: 0o600 });
  return ed25519Raw(key);
}

/**
 * Signs the manifest of a built release, once every file in it is what the manifest says.
 * @returns the release, and the public half of the key
 * @throws Error where something is missing, changed or no Ed25519 key, saying what
 */
export async function signRelease(
  directory: string,
  keyFile: string,
): Promise<{ release: Release; key: string }> {
  const privateKey = await openKey(keyFile);
  const manifest = await readFile(join(directory, RELEASE_FILE)).catch((cause) => {
    throw new Error(`${directory} has no release: run “npm run build” first.`, { cause });
  });
  const release = releaseSchema.parse(JSON.parse(manifest.toString('utf8')));
  for (const file of release.files.flatMap((one) => [one, one.packed])) {
    const found = await measured(join(directory, file.name));
    if (found.sha256 !== file.sha256 || found.size !== file.size)
      throw new Error(`${file.name} is not the file that was built: build it again.`);
  }
  const key = ed25519Raw(privateKey);
  const signature = signBytes(releaseTranscript(manifest), privateKey);
  const document: ReleaseSignature = { v: 1, key, signature };
  await writeFile(join(directory, RELEASE_SIGNATURE_FILE), `${JSON.stringify(document, null, 2)}\n`);
  return { release, key };
}

async function openKey(file: string) {
  const { mode } = await stat(file);
  if ((mode & 0o077) !== 0) throw new Error(`${file} can be read by others: chmod 600 it.`);
  const key = privateKeyIn(await readFile(file, 'utf8'));
  if (key?.asymmetricKeyType !== 'ed25519') throw new Error(`${file} holds no Ed25519 key.`);
  return key;
}

function privateKeyIn(pem: string) {
  try {
    return ed25519Private(pem);
  } catch {
    return undefined; // something else: the caller says so
  }
}
