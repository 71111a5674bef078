import type { AuditEntry } from '../api/types.ts';

/** What each act is called; one that is new to this page is shown as it is written. */
const ACTS: Record<string, string> = {
  'agent.doctor': 'Agent examined',
  'agent.enrol': 'Agent enrolled',
  'agent.labels': 'Labels of an agent changed',
  'agent.rename': 'Agent renamed',
  'agent.replace': 'Agent replaced',
  'agent.revoke': 'Agent revoked',
  'agent.update': 'Update of an agent asked for',
  'agent.update-failed': 'Agent not updated',
  'agent.updated': 'Agent updated',
  'agent.duplicate-refused': 'Second connection of an agent refused',
  'api-key.create': 'API key created',
  'api-key.create-on-host': 'API key created on the host',
  'api-key.revoke': 'API key deleted',
  'audit.export': 'Audit log exported',
  'database.protect': 'Databases protected',
  'database.selection': 'Backed-up tables chosen',
  'database.stop-protecting': 'Protection stopped',
  'enrolment-token.create': 'Enrolment token made',
  'enrolment-token.withdraw': 'Enrolment token withdrawn',
  'policy.add': 'Policy added',
  'policy.change': 'Policy changed',
  'policy.choose': 'Policy chosen',
  'policy.remove': 'Policy removed',
  'job.backup': 'Backup asked for',
  'job.drill': 'Drill asked for',
  'database.assertions': 'Assertions changed',
  'job.cancel': 'Job cancelled',
  'job.refused': 'Job refused by the agent',
  'job.restore': 'Restore asked for',
  'job.retry': 'Job tried again',
  'owner.create': 'Owner’s account made',
  'request.refused': 'Request refused',
  'restore.check': 'Restore checked with another account',
  'rollout.begin': 'Update of all agents begun',
  'rollout.stop': 'Update of all agents stopped',
  'rollout.stopped': 'Update of all agents stopped at a failure',
  'rollout.succeeded': 'All agents updated',
  'server.add': 'Server added',
  'server.add-on-host': 'Server added on the host',
  'server.auto-protect': 'Protection of all databases switched',
  'server.change': 'Server changed',
  'server.probe': 'Connection tested',
  'server.foreign-refused': 'Server of another agent refused',
  'server.remove': 'Server removed',
  'sign-in-provider.remove': 'Sign-in provider removed',
  'sign-in-provider.set': 'Sign-in provider set',
  'snapshot.delete': 'Snapshot deleted',
  'snapshot.download': 'Snapshot downloaded',
  'snapshot.expire': 'Snapshot deleted by its policy',
  'snapshot.note': 'Snapshot noted',
  'snapshot.pin': 'Snapshot pinned',
  'snapshot.unpin': 'Snapshot unpinned',
  'user.add-passkey': 'Passkey added',
  'user.admit': 'Let in by the sign-in provider',
  'user.change': 'Rights of a user changed',
  'user.change-password': 'Password changed',
  'user.connect-provider': 'Account at the sign-in provider connected',
  'user.disable-two-factor': 'Second factor turned off',
  'user.disconnect-provider': 'Account at the sign-in provider disconnected',
  'user.enable-two-factor': 'Second factor turned on',
  'user.end-sessions': 'Sessions ended',
  'user.invite': 'Somebody invited',
  'user.join': 'Invitation accepted',
  'user.new-backup-codes': 'New backup codes made',
  'user.password-right': 'Password right, code asked for',
  'user.proof-refused': 'Password or code refused',
  'user.recover': 'Password set with a recovery link',
  'user.recovery-link': 'Recovery link made',
  'user.remove': 'User removed',
  'user.remove-passkey': 'Passkey removed',
  'user.sign-in': 'Signed in',
  'user.sign-in-refused': 'Sign-in refused',
  'user.sign-out': 'Signed out',
  'user.withdraw-invitation': 'Invitation withdrawn',
  'self-backup.make': 'Homeport backed itself up',
  'vault.change-store': 'Access to a vault’s store changed',
  'vault.check': 'Check of a vault begun',
  'vault.check-every': 'Checks of a vault changed',
  'vault.collect': 'Freeing of space begun',
  'vault.create': 'Vault made',
  'vault.forget-replica': 'Replica forgotten',
  'vault.damage': 'Check judged snapshots anew',
  'vault.heal': 'Damaged files brought back from the replica',
  'vault.move': 'Move of a vault asked for',
  'vault.moved': 'Vault moved',
  'vault.recovery-kit': 'Recovery kit downloaded',
  'vault.replica': 'Replica of a vault set',
  'vault.stay': 'Move of a vault ended',
  'vault.use': 'Vault chosen for new backups',
};

/** `server.add` as people say it. */
export function actText(action: string): string {
  const known = ACTS[action];
  if (known) return known;
  const words = action.replaceAll(/[-_.:]+/g, ' ').trim();
  return words.replace(/^./, (letter) => letter.toUpperCase());
}

const ID = /^[0-9a-f]{8}-[0-9a-f]{4}-/;

/** `targetDatabase` as `target database`. */
function label(key: string): string {
  return key.replaceAll(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}

/**
 * An entry's details for people: lists written out, ids left out (the API has them), nothing else lost.
 * `[[label, text]]`, the text still an ISO time where it is one.
 */
export function detailTexts(details: AuditEntry['details']): [label: string, text: string][] {
  return Object.entries((details ?? {}) as Record<string, unknown>).flatMap(
    ([key, value]): [string, string][] => {
      if (typeof value === 'string' && ID.test(value)) return [];
      if (Array.isArray(value)) return [[label(key), value.join(', ') || 'none']];
      return [[label(key), typeof value === 'object' ? JSON.stringify(value) : String(value) || 'none']];
    },
  );
}
