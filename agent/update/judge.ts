import { type FailureError, fail } from '../../protocol/failure.ts';
import {
  isNewer,
  isSigned,
  type Release,
  type ReleaseFile,
  type ReleaseSignature,
  releaseSchema,
  releaseSignatureSchema,
} from '../../protocol/release.ts';

/** What an agent is, and what it was asked to become. */
export interface Wish {
  /** The release key pinned on this host. */
  key: string;
  /** What it runs on, e.g. `linux-x64`. */
  platform: string;
  /** Its version. */
  running: string;
  /** The version it is to become. */
  wanted: string;
}

/**
 * Decides whether an agent may become a build, by the build's manifest alone.
 * @param manifest `release.json` as it came, byte for byte
 * @param signature what came with it; JSON
 * @returns the file for this platform: what is put in place has to have its size and SHA-256
 * @throws FailureError `update_untrusted` | `update_not_newer` | `update_not_possible`
 */
export function judgeRelease(manifest: Buffer, signature: unknown, wish: Wish): ReleaseFile {
  const signed = releaseSignatureSchema.safeParse(signature);
  if (!signed.success) throw untrusted('Its signature cannot be read.', wish);
  if (signed.data.key !== wish.key) throw untrusted(`It is signed with ${signed.data.key}.`, wish);
  if (!holds(manifest, signed.data)) throw untrusted('Its signature is not of this build.', wish);
  const release = understood(manifest);
  if (release.version !== wish.wanted) {
    throw notPossible(
      `The control plane asked for version ${wish.wanted} and serves ${release.version}.`,
      'Ask again: its build was changed in between.',
    );
  }
  if (!isNewer(release.version, wish.running)) {
    throw fail(
      'update_not_newer',
      `Version ${release.version} is not newer than ${wish.running}, which runs here.`,
      'Downgrades are made on this host alone, with install.sh of the control plane that has the older build.',
    );
  }
  const file = release.files.find(({ platform }) => platform === wish.platform);
  if (file) return file;
  const there = release.files.map(({ platform }) => platform).join(', ');
  throw notPossible(
    `The build has nothing for ${wish.platform}, only for ${there}.`,
    'Build Homeport for this platform, or install the agent on this host in another way.',
  );
}

function holds(manifest: Buffer, signature: ReleaseSignature): boolean {
  try {
    return isSigned(manifest, signature);
  } catch {
    return false; // the key is no point of the curve
  }
}

function understood(manifest: Buffer): Release {
  try {
    return releaseSchema.parse(JSON.parse(manifest.toString('utf8')));
  } catch (cause) {
    throw notPossible(
      'The build is described in a format that this version does not know.',
      'Run install.sh of the control plane on this host.',
      cause,
    );
  }
}

function untrusted(why: string, { key }: Wish): FailureError {
  return fail(
    'update_untrusted',
    `The control plane’s build is not signed with the release key of this host, ${key}. ${why}`,
    'Sign the build with that key. If nobody you trust made another one, somebody else put this build there.',
  );
}

/** For an update that cannot be made here, whoever signed it. */
export function notPossible(message: string, hint: string, cause?: unknown): FailureError {
  return fail('update_not_possible', message, hint, { cause });
}

/** For bytes that are not those of the manifest. */
export function damaged(name: string, cause?: unknown): FailureError {
  return fail(
    'update_damaged',
    `${name} is not the file that the signed manifest describes.`,
    'Build and sign again. If that does not help, something on the way changes downloads.',
    { cause },
  );
}
