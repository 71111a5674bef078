import { useRef, useState } from 'react';

/** What is picked in a list: some rows, or all that its filter finds, but for some. */
export interface Picked<T> {
  has(row: T): boolean;
  /** How many are, of a list of so many. */
  count(total: number): number;
  /** Whether rows were picked one by one: then `some` are them. */
  some: readonly T[] | null;
  /** Those of all rows of the list that are. */
  among(rows: readonly T[]): readonly T[];
  /** Picks a row, or drops it. */
  toggle(row: T): void;
  /** Picks all of these. */
  add(rows: readonly T[]): void;
  pickAll(): void;
  clear(): void;
  /** Remembers the place in the list of a row that was clicked. @returns that of the one before, if there was one */
  clickedAt(place: number): number | undefined;
}

/** @param filter what the list shows; another one begins with nothing picked */
export function usePicked<T extends { id: string }>(filter: unknown): Picked<T> {
  const key = JSON.stringify(filter);
  // `rows`: what is picked, or, where all is, what is not.
  const nothing = { key, all: false, rows: new Map<string, T>() };
  const [kept, setKept] = useState(nothing);
  const state = kept.key === key ? kept : nothing;
  const { all, rows } = state;
  const clicked = useRef<{ key: string; place: number }>(undefined);
  const has = ({ id }: T) => rows.has(id) !== all;
  const flip = (changing: readonly T[]) => {
    const next = new Map(rows);
    for (const row of changing) if (!next.delete(row.id)) next.set(row.id, row);
    setKept({ ...state, rows: next });
  };
  return {
    has,
    count: (total) => (all ? total - rows.size : rows.size),
    some: all ? null : [...rows.values()],
    among: (everything) => everything.filter(has),
    toggle: (row) => flip([row]),
    add: (more) => flip(more.filter((row) => !has(row))),
    pickAll: () => setKept({ ...nothing, all: true }),
    clear: () => setKept(nothing),
    clickedAt: (place) => {
      const before = clicked.current?.key === key ? clicked.current.place : undefined;
      clicked.current = { key, place };
      return before;
    },
  };
}
