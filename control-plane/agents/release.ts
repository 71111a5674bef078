import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  PLATFORMS,
  RELEASE_FILE,
  type Release,
  type ReleaseFile,
  releaseSchema,
} from '../../protocol/release.ts';
import type { Logger } from '../log.ts';

/** The agent as this control plane serves it to hosts: built files, and the script that installs them. */
export interface AgentRelease {
  /** What `npm run build` made, or `undefined` where there is nothing whole. Looked up each time. */
  current(): Promise<Release | undefined>;
  /** A file of the release by its name, with its path on this host. */
  file(name: string): Promise<{ path: string; size: number; sha256: string } | undefined>;
  /** `install.sh` with this control plane's address and the release's checksums filled in. */
  script(): Promise<InstallScript | undefined>;
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
  const current = async () => {
    const path = join(root, RELEASE_FILE);
    const text = await readFile(path, 'utf8').catch(() => undefined); // not built
    if (text === undefined) return undefined;
    try {
      return releaseSchema.parse(JSON.parse(text));
    } catch (err) {
      log.warn({ err, path }, 'the built agent cannot be served: build it again');
      return undefined;
    }
  };
  return {
    current,
    async file(name) {
      const files = (await current())?.files.flatMap((file) => [file, file.packed]) ?? [];
      const found = files.find((file) => file.name === name);
      return found && { path: join(root, found.name), size: found.size, sha256: found.sha256 };
    },
    async script() {
      const release = await current();
      if (!release) return undefined;
      const text = filledIn(await readFile(scriptFile, 'utf8'), url, release);
      return { text, sha256: createHash('sha256').update(text).digest('hex') };
    },
  };
}

/** What the script leaves open, each on a line of its own and empty in the checkout. */
function filledIn(template: string, url: string, release: Release): string {
  const byPlatform = (platform: string) => release.files.find((file) => file.platform === platform);
  const values = {
    CONTROL_PLANE: url,
    VERSION: release.version,
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

/** A word that a POSIX shell takes as it is. */
export function shellQuoted(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}
