import type { ProtectionStatus } from '../api/types.ts';

/** What the address of a list says of it: so that a link, a reload and “back” show the same rows. */
export interface ListSearch {
  q?: string;
}

export interface DatabaseSearch extends ListSearch {
  status?: ProtectionStatus;
  order?: 'urgency';
}

export interface JobSearch {
  state?: string;
}

const STATUSES: readonly unknown[] = ['protected', 'at-risk', 'unprotected'] satisfies ProtectionStatus[];

/** Takes from the address what it can use; the router has read numbers as numbers. */
export function listSearch({ q }: Record<string, unknown>): ListSearch {
  const text = typeof q === 'string' || typeof q === 'number' ? String(q) : '';
  return text === '' ? {} : { q: text };
}

export function databaseSearch(search: Record<string, unknown>): DatabaseSearch {
  const { order, status } = search;
  return {
    ...listSearch(search),
    ...(STATUSES.includes(status) ? { status: status as ProtectionStatus } : {}),
    ...(order === 'urgency' ? { order } : {}),
  };
}

export function jobSearch({ state }: Record<string, unknown>): JobSearch {
  return typeof state === 'string' && state !== '' ? { state } : {};
}
