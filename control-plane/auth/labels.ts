import { z } from 'zod';

/**
 * A label of an agent: letters, digits and `-_.:=/` between them, as tools of the field have them (`team=shop`,
 * `production`); case counts.
 */
const label = z
  .string()
  .trim()
  .max(63)
  .regex(
    /^[\p{L}\p{N}]([\p{L}\p{N}\-_.:=/]*[\p{L}\p{N}])?$/u,
    'must be letters and digits, with - _ . : = / between them',
  );

/** Labels, each once, in order. */
export const labelsSchema = z
  .array(label)
  .max(20)
  .transform((labels) => [...new Set(labels)].toSorted());
