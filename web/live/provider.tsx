import { type QueryClient, useQuery, useQueryClient } from '@tanstack/react-query';
import { createContext, type ReactNode, useContext, useEffect, useRef, useState } from 'react';
import { queries } from '../api/queries.ts';
import { followEvents, type LiveState } from './events.ts';

const LiveContext = createContext<LiveState>('connecting');

/** Follows the event stream while it is mounted. */
export function LiveProvider({ children }: { children: ReactNode }) {
  const client = useQueryClient();
  const [state, setState] = useState<LiveState>('connecting');
  useEffect(() => followEvents(client, setState), [client]);
  useOwnStanding(client);
  return <LiveContext value={state}>{children}</LiveContext>;
}

/** Whether the page is fed by the control plane right now. */
export function useLive(): LiveState {
  return useContext(LiveContext);
}

/** When what one may see has changed, nothing on the page can be trusted to be what one would get now. */
function useOwnStanding(client: QueryClient): void {
  const { data } = useQuery(queries.me());
  const standing = data && JSON.stringify([data.rights, data.user.labels]);
  const known = useRef(standing);
  useEffect(() => {
    if (known.current !== undefined && standing !== undefined && known.current !== standing) {
      void client.invalidateQueries();
    }
    known.current = standing;
  }, [client, standing]);
}
