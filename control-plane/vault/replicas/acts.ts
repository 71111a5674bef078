import { type VaultContext, vaultOf } from '../context.ts';
import type { OpenVault } from '../create.ts';
import type { VaultService } from '../service.ts';
import type { VaultRecord } from '../vault-record.ts';
import type { Replicas } from './replicas.ts';

type ReplicaActs = Pick<
  VaultService,
  'setReplica' | 'forgetReplica' | 'moveVault' | 'stayVault' | 'checkVault' | 'checkEvery'
>;

/** What people do with replicas. Each takes its turn by itself: copying may have to end first. */
export function replicaActs(
  context: VaultContext,
  replicas: Replicas,
  describe: (vault: OpenVault) => VaultRecord,
): ReplicaActs {
  return {
    async setReplica(vaultId, store) {
      const vault = vaultOf(context, vaultId);
      await replicas.set(vault, store);
      return describe(vault);
    },
    async forgetReplica(vaultId) {
      const vault = vaultOf(context, vaultId);
      await replicas.forget(vault);
      return describe(vault);
    },
    async moveVault(vaultId, { leaveBehind }) {
      const vault = vaultOf(context, vaultId);
      if (leaveBehind) await replicas.moveWithout(vault);
      else replicas.move(vault);
      return describe(vault);
    },
    stayVault(vaultId) {
      const vault = vaultOf(context, vaultId);
      replicas.stay(vault);
      return describe(vault);
    },
    checkVault(vaultId) {
      const vault = vaultOf(context, vaultId);
      replicas.checks.start(vault);
      return describe(vault);
    },
    checkEvery(vaultId, days) {
      const vault = vaultOf(context, vaultId);
      replicas.checks.setEveryDays(vaultId, days);
      return describe(vault);
    },
  };
}
