import { z } from 'zod';

/**
 * Where an agent sends a pack: `stored`, it is there already; `relay`, through the control plane; `direct`, to the
 * store itself, by one PUT with exactly these headers, which the URL's signature covers.
 */
export const uploadWaySchema = z.discriminatedUnion('way', [
  z.object({ way: z.literal('stored') }),
  z.object({ way: z.literal('relay') }),
  z.object({
    way: z.literal('direct'),
    url: z.url({ protocol: /^https?$/ }).max(8192),
    headers: z.record(z.string().max(64), z.string().max(256)),
  }),
]);
export type UploadWay = z.infer<typeof uploadWaySchema>;

/** Where an agent fetches a pack: `direct`, by GET with a `Range`. */
export const downloadWaySchema = z.discriminatedUnion('way', [
  z.object({ way: z.literal('relay') }),
  z.object({ way: z.literal('direct'), url: z.url({ protocol: /^https?$/ }).max(8192) }),
]);
export type DownloadWay = z.infer<typeof downloadWaySchema>;

/** Body of the question for an {@link UploadWay}. */
export const uploadFactsSchema = z.object({ bytes: z.number().int().positive() });
