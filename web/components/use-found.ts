import { keepPreviousData, type QueryKey, type UseQueryOptions, useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import type { Page } from '../api/rpc.ts';

/** Things of a list too long to show, to choose one from: some of them, and a search for the others. */
export interface Found<T> {
  /** What the search found, as far as one page goes. */
  hits: T[];
  /** What other searches found, too: what was chosen stays known while one searches on. */
  known: T[];
  search: string;
  onSearch: (search: string) => void;
  /** Whether there is more than is shown, so that one has to search. */
  more: boolean;
  isPending: boolean;
  error: Error | null;
}

/** @param ask asks for the first page of what a search finds */
export function useFound<T extends { id: string }, Key extends QueryKey>(
  ask: (search: { q?: string }) => UseQueryOptions<Page<T>, Error, Page<T>, Key>,
): Found<T> {
  const [search, setSearch] = useState('');
  /** What each search found when it was last asked: what is there no more is known no more. */
  const [answers] = useState(() => new Map<string, T[]>());
  const q = search.trim();
  const found = useQuery({ ...ask(q === '' ? {} : { q }), placeholderData: keepPreviousData });
  const hits = found.data?.rows ?? [];
  if (found.data && !found.isPlaceholderData) answers.set(q, hits);
  const known = new Map([...answers.values()].flat().map((one) => [one.id, one]));
  return {
    hits,
    known: [...known.values()],
    search,
    onSearch: setSearch,
    more: search !== '' || (found.data?.total ?? 0) > hits.length,
    isPending: found.isPending,
    error: found.error,
  };
}
