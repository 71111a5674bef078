import { Command } from 'commander';
import { HOMEPORT_VERSION } from '../../protocol/version.ts';
import { addAddAgentCommand } from './commands/add-agent.ts';
import { addAuditCommand } from './commands/audit.ts';
import { addBucketCommands } from './commands/buckets.ts';
import { addDatabaseCommands } from './commands/databases.ts';
import { addDownloadCommand } from './commands/download.ts';
import { addDrillCommands } from './commands/drills.ts';
import { addFleetCommands } from './commands/fleet.ts';
import { addFreeSpaceCommand } from './commands/free-space.ts';
import { addHealthyCommand } from './commands/healthy.ts';
import { addJobCommands } from './commands/jobs.ts';
import { addLocalCommands } from './commands/local.ts';
import { addPolicyCommands } from './commands/policies.ts';
import { addRecoveryKitCommand } from './commands/recovery-kit.ts';
import { addRemoteCommands } from './commands/remotes.ts';
import { addReplicaCommands } from './commands/replicas.ts';
import { addRestoreCommand } from './commands/restore.ts';
import { addSelectionCommand } from './commands/selection.ts';
import { addRestoreSelfCommand, addSelfBackupCommand } from './commands/self-backup.ts';
import { addSessionCommands } from './commands/session.ts';
import { addSignInProviderCommands } from './commands/sign-in-provider.ts';
import { addSnapshotCommands } from './commands/snapshots.ts';
import { addSuccessionCommands } from './commands/succession.ts';
import { addVaultCommands } from './commands/vault.ts';
import { EXIT, report } from './exit.ts';
import { endQuietlyWithTheReader } from './say.ts';

const EXIT_CODES = `
Exit codes: 0 done · 1 failed · 2 wrong use · 3 not logged in or not allowed · 4 not found
            5 control plane or agent out of reach · 6 with --wait: the job did not succeed
            130 stopped waiting (Ctrl-C)
More in docs/cli.md.`;

function program(): Command {
  const root = new Command('homeport')
    .description('Homeport from a terminal: back up, restore, look, download.')
    .version(HOMEPORT_VERSION)
    .addHelpText('after', EXIT_CODES)
    .showHelpAfterError('(--help says more)')
    .exitOverride();
  root.commandsGroup('A control plane, from anywhere:');
  addSessionCommands(root);
  addFleetCommands(root);
  addAddAgentCommand(root);
  addSuccessionCommands(root);
  addDatabaseCommands(root);
  addSelectionCommand(root);
  addPolicyCommands(root);
  addDrillCommands(root);
  addSnapshotCommands(root);
  addFreeSpaceCommand(root);
  addAuditCommand(root);
  addJobCommands(root);
  addRestoreCommand(root);
  addDownloadCommand(root);
  addRecoveryKitCommand(root);
  addSelfBackupCommand(root);
  addBucketCommands(root);
  addRemoteCommands(root);
  addReplicaCommands(root);
  addSignInProviderCommands(root);
  root.commandsGroup('On the control plane’s own host:');
  addLocalCommands(root);
  addHealthyCommand(root);
  addVaultCommands(root);
  addRestoreSelfCommand(root);
  return root;
}

endQuietlyWithTheReader();
// Set, not called: what was written to a pipe still has to leave.
process.exitCode = await program()
  .parseAsync()
  .then(() => process.exitCode ?? EXIT.ok, report);
