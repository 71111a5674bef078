import { z } from 'zod';
import { bytes32Schema, signatureSchema, verifyBytes } from './handshake.ts';
import { transcript } from './transcript.ts';

/** What a built agent runs on: an executable of its own, or any host that has Node. */
export const PLATFORMS = ['linux-x64', 'linux-arm64', 'node'] as const;
export type Platform = (typeof PLATFORMS)[number];

const sha256Schema = z.string().regex(/^[0-9a-f]{64}$/);

/** A name in one folder, safe in a URL and in a shell without quotes. */
const fileNameSchema = z.string().regex(/^[a-z0-9][a-z0-9._-]{0,99}$/);

const builtSchema = z.object({
  name: fileNameSchema,
  /** Bytes. */
  size: z.number().int().positive(),
  /** SHA-256 in hexadecimal. */
  sha256: sha256Schema,
});

const releaseFileSchema = builtSchema.extend({
  /** One of {@link PLATFORMS}, or one that a later build knows. */
  platform: z.string().regex(/^[a-z0-9-]{1,32}$/),
  /** The same, compressed by gzip: what hosts download. */
  packed: builtSchema,
});
export type ReleaseFile = z.infer<typeof releaseFileSchema>;

/** Version of Homeport, as agents report it. */
export const versionSchema = z
  .string()
  .max(64)
  .regex(/^\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?$/);

const versionNumberSchema = z.number().int().positive();

/**
 * `release.json`: the built agent, file by file; made by `npm run build`, read by the control plane and by agents that
 * update. Fields and platforms may be added under the same `v`: older agents pass over what they do not know.
 */
export const releaseSchema = z.object({
  /** Version of this format. */
  v: z.literal(1),
  version: versionSchema,
  /** Protocol versions that it speaks. */
  protocol: z.object({ min: versionNumberSchema, max: versionNumberSchema }),
  /** Version of the Node inside of the executables. */
  node: z.string().regex(/^\d+\.\d+\.\d+$/),
  /** SHA-256 of everything the files were made from. */
  sources: sha256Schema,
  files: z.array(releaseFileSchema).min(1).max(20),
});
export type Release = z.infer<typeof releaseSchema>;

/** Name of the manifest, beside the files it describes. */
export const RELEASE_FILE = 'release.json';
/** A manifest is read as one text; this is far more than one needs, in bytes. */
export const RELEASE_MAX_BYTES = 64 * 1024;

/** `release.json.sig`: who vouches for a manifest; made by `npm run build:sign`. */
export const releaseSignatureSchema = z.object({
  v: z.literal(1),
  /** The release key: Ed25519, base64url. */
  key: bytes32Schema,
  /** Over {@link releaseTranscript}. */
  signature: signatureSchema,
});
export type ReleaseSignature = z.infer<typeof releaseSignatureSchema>;

/** Name of the signature, beside the manifest. */
export const RELEASE_SIGNATURE_FILE = 'release.json.sig';

/** Bytes that a release key signs. @param manifest `release.json` as it is, byte for byte */
export function releaseTranscript(manifest: Uint8Array): Buffer {
  return transcript('homeport/1 release', [manifest]);
}

/** Whether `signature` is that of the key it names. Whose key that is has to be decided by who asks. */
export function isSigned(manifest: Uint8Array, { key, signature }: ReleaseSignature): boolean {
  return verifyBytes(releaseTranscript(manifest), signature, key);
}

/** Whether version `a` comes after version `b` (Semantic Versioning 2.0, without build metadata). */
export function isNewer(a: string, b: string): boolean {
  return compareVersions(a, b) > 0;
}

function compareVersions(a: string, b: string): number {
  const [coreA = '', ...preA] = a.split('-');
  const [coreB = '', ...preB] = b.split('-');
  const core = compareParts(coreA.split('.'), coreB.split('.'));
  if (core !== 0) return core;
  const [labelA, labelB] = [preA.join('-'), preB.join('-')];
  // 1.0.0-rc.1 comes before 1.0.0.
  if (labelA === '' || labelB === '') return Number(labelA === '') - Number(labelB === '');
  return compareParts(labelA.split('.'), labelB.split('.'));
}

function compareParts(a: readonly string[], b: readonly string[]): number {
  for (let at = 0; at < Math.max(a.length, b.length); at += 1) {
    const order = comparePart(a[at], b[at]);
    if (order !== 0) return order;
  }
  return 0;
}

/** Numbers by their value and before words; what is longer comes after what it begins with. */
function comparePart(a: string | undefined, b: string | undefined): number {
  if (a === undefined || b === undefined) return Number(b === undefined) - Number(a === undefined);
  const [numberA, numberB] = [/^\d+$/.test(a), /^\d+$/.test(b)];
  if (numberA && numberB) return Math.sign(Number(a) - Number(b));
  if (numberA !== numberB) return numberA ? -1 : 1;
  return a === b ? 0 : a < b ? -1 : 1;
}

/** A manifest with its signature, as agents fetch it. */
export const signedManifestSchema = z.object({
  /** Text of `release.json`, as it was signed. */
  manifest: z.string().max(RELEASE_MAX_BYTES),
  signature: releaseSignatureSchema,
});
export type SignedManifest = z.infer<typeof signedManifestSchema>;
