import { z } from 'zod';

const patterns = z.array(z.string().min(1).max(255)).max(200);

/**
 * Whose rows a backup holds: those of tables that match a pattern of `include` (of all where it is empty) and none
 * of `exclude`. Every table's definition is in the backup, so that what refers to it can be restored. Patterns are
 * written as the engine's `tablePattern` says; `*` stands for any characters.
 */
export const tableSelectionSchema = z.object({ include: patterns, exclude: patterns });
export type TableSelection = z.infer<typeof tableSelectionSchema>;

/** The selection that leaves nothing out. */
export const EVERYTHING: TableSelection = { include: [], exclude: [] };
