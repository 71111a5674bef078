import {
  Activity,
  Braces,
  CalendarClock,
  Database,
  Gauge,
  type LucideIcon,
  ScrollText,
  Server,
  Settings,
  Users,
  Vault,
  Waypoints,
} from 'lucide-react';
import type { Right } from '../api/types.ts';
import { useMay } from '../components/may.tsx';

interface Destination {
  to:
    | '/'
    | '/databases'
    | '/servers'
    | '/agents'
    | '/policies'
    | '/jobs'
    | '/vaults'
    | '/users'
    | '/audit'
    | '/settings'
    | '/settings/api';
  label: string;
  icon: LucideIcon;
  /** Who does not have it does not see the page. */
  needs?: Right;
}

/** In the order of how often one goes there. */
const DESTINATIONS: Destination[] = [
  { to: '/', label: 'Overview', icon: Gauge },
  { to: '/databases', label: 'Databases', icon: Database },
  { to: '/servers', label: 'Servers', icon: Server },
  { to: '/agents', label: 'Agents', icon: Waypoints },
  { to: '/policies', label: 'Policies', icon: CalendarClock },
  { to: '/jobs', label: 'Jobs', icon: Activity },
  { to: '/vaults', label: 'Vaults', icon: Vault, needs: 'fleet' },
  { to: '/users', label: 'Users', icon: Users, needs: 'administer' },
  { to: '/audit', label: 'Audit log', icon: ScrollText, needs: 'administer' },
  { to: '/settings', label: 'Settings', icon: Settings },
];

/** Pages below others, which only the palette lists. */
const BELOW: Destination[] = [{ to: '/settings/api', label: 'API reference', icon: Braces }];

/** The pages that whoever is signed in can go to from anywhere. */
export function useDestinations(): Destination[] {
  const may = useMay();
  return DESTINATIONS.filter(({ needs }) => needs === undefined || may(needs));
}

/** The same with what is below them. */
export function useEveryDestination(): Destination[] {
  return [...useDestinations(), ...BELOW];
}
