import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { queries } from '../api/queries.ts';
import type { Right } from '../api/types.ts';

/** Tells whether the one who is signed in has all of some rights. What they may not do is not on the page. */
export function useMay(): (...needed: Right[]) => boolean {
  const me = useQuery(queries.me());
  return (...needed) => needed.every((right) => me.data?.rights.includes(right) ?? false);
}

interface MayProps {
  to: Right | Right[];
  children: ReactNode;
}

/** Shows something to those who have all of some rights. */
export function May({ to, children }: MayProps) {
  const may = useMay();
  return may(...[to].flat()) ? children : null;
}
