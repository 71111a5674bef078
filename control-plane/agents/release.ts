import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  isSigned,
  PLATFORMS,
  RELEASE_FILE,
  RELEASE_SIGNATURE_FILE,
  type Release,
  type ReleaseFile,
  type ReleaseSignature,
  releaseSchema,
  releaseSignatureSchema,
} from '../../protocol/release.ts';
import { shellQuoted } from '../../protocol/shell.ts';
import type { Logger } from '../log.ts';

/** The agent as this control plane serves it to hosts: built files, and the script that installs them. */
export interface AgentRelease {
  /** What `npm run build` made, or `undefined` where there is nothing whole. Looked up each time. */
  current(): Promise<Release | undefined>;
  /** The same with its signature, or `undefined` where it has none that is good: agents take no update from it then. */
  signed(): Promise<SignedRelease | undefined>;
  /** A file of the release by its name, with its path on this host. */
  file(name: string): Promise<{ path: string; size: number; sha256: string } | undefined>;
  /** `install.sh` with this control plane's address and the release's checksums filled in. */
  script(): Promise<InstallScript | undefined>;
}

export interface SignedRelease {
  release: Release;
  /** `release.json`, byte for byte as it was signed. */
  manifest: Buffer<ArrayBuffer>;
  signature: ReleaseSignature;
}

export interface InstallScript {
  text: string;
  /** SHA-256 of `text`, hexadecimal. */
  sha256: string;
}

export interface AgentReleaseDeps {
  /** Folder of the built agent. */
  root: string;
  /** Path of the script as it is in the checkout. */
  scriptFile: string;
  /** Address of this control plane. */
  url: string;
  log: Logger;
}

export function createAgentRelease({ root, scriptFile, url, log }: AgentReleaseDeps): AgentRelease {
  const read = async () => {
    const path = join(root, RELEASE_FILE);
    const manifest = await readFile(path).catch(() => undefined); // not built
    if (manifest === undefined) return undefined;
    try {
      return { release: releaseSchema.parse(JSON.parse(manifest.toString('utf8'))), manifest };
    } catch (err) {
      log.warn({ err, path }, 'the built agent cannot be served: build it again');
      return undefined;
    }
  };
  const signatureOf = async (manifest: Buffer) => {
    const path = join(root, RELEASE_SIGNATURE_FILE);
    const text = await readFile(path, 'utf8').catch(() => undefined); // not signed
    if (text === undefined) return undefined;
    try {
      const signature = releaseSignatureSchema.parse(JSON.parse(text));
      if (isSigned(manifest, signature)) return signature;
      log.warn({ path }, 'the signature of the built agent is not of this build: sign it again');
    } catch (err) {
      log.warn({ err, path }, 'the signature of the built agent cannot be read: sign it again');
    }
    return undefined;
  };
  const current = async () => (await read())?.release;
  return {
    current,
    async signed() {
      const found = await read();
      const signature = found && (await signatureOf(found.manifest));
      return signature && { ...found, signature };
    },
    async file(name) {
      const files = (await current())?.files.flatMap((file) => [file, file.packed]) ?? [];
      const found = files.find((file) => file.name === name);
      return found && { path: join(root, found.name), size: found.size, sha256: found.sha256 };
    },
    async script() {
      const found = await read();
      if (!found) return undefined;
      const { manifest, release } = found;
      const key = (await signatureOf(manifest))?.key ?? '';
      const text = filledIn(await readFile(scriptFile, 'utf8'), { url, release, key });
      return { text, sha256: createHash('sha256').update(text).digest('hex') };
    },
  };
}

/** What the script leaves open, each on a line of its own and empty in the checkout. */
function filledIn(
  template: string,
  { key, release, url }: { url: string; release: Release; key: string },
): string {
  const byPlatform = (platform: string) => release.files.find((file) => file.platform === platform);
  const values = {
    CONTROL_PLANE: url,
    VERSION: release.version,
    RELEASE_KEY: key,
    FILES: PLATFORMS.map((platform) => byPlatform(platform))
      .filter((file) => file !== undefined)
      .map(lineOf)
      .join('\n'),
  };
  return Object.entries(values).reduce((text, [name, value]) => {
    const open = `\n${name}=''\n`;
    if (!text.includes(open)) throw new Error(`install.sh has no line ${name}='' to fill in.`);
    return text.replace(open, () => `\n${name}=${shellQuoted(value)}\n`);
  }, template);
}

/** `linux-x64 homeport-agent-linux-x64.gz <its SHA-256> <SHA-256 unpacked>` */
function lineOf({ packed, platform, sha256 }: ReleaseFile): string {
  return [platform, packed.name, packed.sha256, sha256].join(' ');
}
