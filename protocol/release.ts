import { z } from 'zod';

/** What a built agent runs on: an executable of its own, or any host that has Node. */
export const PLATFORMS = ['linux-x64', 'linux-arm64', 'node'] as const;
export type Platform = (typeof PLATFORMS)[number];

const sha256Schema = z.string().regex(/^[0-9a-f]{64}$/);

/** A name in one folder, safe in a URL and in a shell without quotes. */
const fileNameSchema = z.string().regex(/^[a-z0-9][a-z0-9._-]{0,99}$/);

const builtSchema = z.strictObject({
  name: fileNameSchema,
  /** Bytes. */
  size: z.number().int().positive(),
  /** SHA-256 in hexadecimal. */
  sha256: sha256Schema,
});

const releaseFileSchema = builtSchema.extend({
  platform: z.enum(PLATFORMS),
  /** The same, compressed by gzip: what hosts download. */
  packed: builtSchema,
});
export type ReleaseFile = z.infer<typeof releaseFileSchema>;

/** `release.json`: the built agent, file by file; made by `npm run build`, read by the control plane. */
export const releaseSchema = z.strictObject({
  v: z.literal(1),
  /** Version of Homeport, as agents report it. */
  version: z.string().regex(/^\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?$/),
  /** Version of the Node inside of the executables. */
  node: z.string().regex(/^\d+\.\d+\.\d+$/),
  /** SHA-256 of everything the files were made from. */
  sources: sha256Schema,
  files: z.array(releaseFileSchema).length(PLATFORMS.length),
});
export type Release = z.infer<typeof releaseSchema>;

/** Name of the manifest, beside the files it describes. */
export const RELEASE_FILE = 'release.json';
