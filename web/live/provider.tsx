import { useQueryClient } from '@tanstack/react-query';
import { createContext, type ReactNode, useContext, useEffect, useState } from 'react';
import { followEvents, type LiveState } from './events.ts';

const LiveContext = createContext<LiveState>('connecting');

/** Follows the event stream while it is mounted. */
export function LiveProvider({ children }: { children: ReactNode }) {
  const client = useQueryClient();
  const [state, setState] = useState<LiveState>('connecting');
  useEffect(() => followEvents(client, setState), [client]);
  return <LiveContext value={state}>{children}</LiveContext>;
}

/** Whether the page is fed by the control plane right now. */
export function useLive(): LiveState {
  return useContext(LiveContext);
}
