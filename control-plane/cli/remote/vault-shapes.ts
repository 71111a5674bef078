import { z } from 'zod';
import { failureShape } from './shapes.ts';

const text = z.string();
const count = z.number();

/** A vault with what is known of its second copy and of its files. */
export const replicatedVaultShape = z.looseObject({
  id: text,
  name: text,
  path: text,
  snapshotCount: count,
  replica: z
    .looseObject({
      path: text,
      bucket: z.record(text, z.unknown()).nullable().optional(),
      state: text,
      moving: z.boolean(),
      failure: failureShape.nullable(),
      snapshotCount: count,
      pending: z.looseObject({ packs: count, bytes: count }),
    })
    .nullable(),
  check: z
    .looseObject({
      files: count,
      checked: count,
      healed: count,
      recopied: count,
      lost: count,
      lostNames: z.array(text),
      finishedAt: text.nullable(),
      failure: failureShape.nullable(),
    })
    .nullable(),
});
/** A vault with the last freeing of its space. */
export const collectedVaultShape = z.looseObject({
  id: text,
  collection: z
    .looseObject({
      packs: count,
      bytes: count,
      skipped: count,
      finishedAt: text.nullable(),
      failure: failureShape.nullable(),
    })
    .nullable(),
});

export type ReplicatedVault = z.infer<typeof replicatedVaultShape>;
