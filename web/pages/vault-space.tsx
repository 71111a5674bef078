import { useQuery } from '@tanstack/react-query';
import { queries } from '../api/queries.ts';
import type { Vault } from '../api/types.ts';
import { ErrorCard } from '../components/failure.tsx';
import { formatBytes } from '../components/format.ts';
import { Facts } from '../components/layout.tsx';
import { Time } from '../components/time.tsx';

/** Room in a vault's store, how the vault grows, and when it will be full. */
export function VaultSpace({ vault }: { vault: Vault }) {
  const space = useQuery(queries.vaultSpace(vault.id));
  if (space.error) return <ErrorCard error={space.error} onRetry={() => void space.refetch()} />;
  if (!space.data) return null;
  const { bytesPerDay, free, fullAt, perMonth, total } = space.data;
  const room = total === null ? '' : ` of ${formatBytes(total)}`;
  const months = perMonth.slice(0, 3).map(({ bytes, month }) => `${month}: ${formatBytes(bytes)}`);
  return (
    <Facts
      items={[
        ['Free', free === null ? 'This store cannot tell' : `${formatBytes(free)}${room}`],
        ...(months.length > 0 ? [['Stored per month', months.join(' · ')] as [string, string]] : []),
        ['Grows by', bytesPerDay === null ? 'Known after a week' : `${formatBytes(bytesPerDay)} a day`],
        ...(fullAt === null
          ? []
          : [['Full', <Time key="full" iso={fullAt} mode="local" />] as [string, React.ReactNode]]),
      ]}
    />
  );
}
