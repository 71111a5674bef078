import {
  Activity,
  Database,
  Gauge,
  type LucideIcon,
  ScrollText,
  Server,
  Settings,
  Waypoints,
} from 'lucide-react';

interface Destination {
  to: '/' | '/databases' | '/servers' | '/agents' | '/jobs' | '/audit' | '/settings';
  label: string;
  icon: LucideIcon;
}

/** The pages one can go to from anywhere, in the order of how often one does. */
export const DESTINATIONS: Destination[] = [
  { to: '/', label: 'Overview', icon: Gauge },
  { to: '/databases', label: 'Databases', icon: Database },
  { to: '/servers', label: 'Servers', icon: Server },
  { to: '/agents', label: 'Agents', icon: Waypoints },
  { to: '/jobs', label: 'Jobs', icon: Activity },
  { to: '/audit', label: 'Audit log', icon: ScrollText },
  { to: '/settings', label: 'Settings', icon: Settings },
];
