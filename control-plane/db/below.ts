import { gte, lt, type SQL } from 'drizzle-orm';
import type { AnySQLiteColumn } from 'drizzle-orm/sqlite-core';

/** Names of files below a folder: they lie between it and what sorts right behind its slash. */
export function below(name: AnySQLiteColumn, folder: string): [SQL, SQL] {
  return [gte(name, `${folder}/`), lt(name, `${folder}0`)];
}
