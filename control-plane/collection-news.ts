import { toFailure } from '../protocol/failure.ts';
import type { Events } from './events.ts';
import type { Logger } from './log.ts';
import type { CollectionEvents } from './vault/collection/collections.ts';

/** Tells of what becomes of what no snapshot needs. */
export function createCollectionNews({ events, log }: { events: Events; log: Logger }): CollectionEvents {
  return {
    onEnd({ id: vaultId }, { bytes, failure, packs, rewritten, skipped }) {
      const facts = { vaultId, packs, bytes, rewritten, skipped };
      if (failure) log.warn({ ...facts, failure }, 'space could not be freed in a vault; it is tried again');
      else if (skipped > 0)
        log.warn(facts, 'space was freed in a vault, but some servers’ snapshots are not whole');
      else log[packs > 0 ? 'info' : 'debug'](facts, 'space was freed in a vault');
      events.changed('settings');
    },
    onFailure: (file, error) =>
      log.warn(
        { ...file, failure: toFailure(error) },
        'a file could not be removed from a vault; it is tried again',
      ),
  };
}
