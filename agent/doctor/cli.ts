import { Command } from 'commander';
import { reportText } from '../../protocol/doctor-text.ts';
import { toFailure } from '../../protocol/failure.ts';
import { type ConfigOptions, configWithoutFile, loadConfig } from '../config.ts';
import { driverFor } from '../engines/registry.ts';
import { printable } from '../log.ts';
import { actAsOwner } from '../owner.ts';
import { createServerStore } from '../state/servers.ts';
import { examine } from './doctor.ts';

/** Nobody waits for a deadline here. */
const PATIENCE_MS = 10 * 60_000;

/**
 * `homeport-agent doctor`: says what is wrong and what to do about it.
 * @param ended told whether something failed, once the report is printed
 */
export function doctorCommand(options: () => ConfigOptions, ended: (failed: boolean) => void): Command {
  return new Command('doctor')
    .description('look for what keeps this agent from working, and say what to do about it')
    .option('--url <url>', 'look at the way to this control plane, e.g. before enrolling')
    .option('--json', 'the report as JSON')
    .action(async ({ json, url }: { json?: true; url?: string }) => {
      const { config, refusal } = await usableConfig(options());
      const servers = createServerStore(config.stateDir);
      const report = await examine({ config, refusal, driverFor, servers, url, patienceMs: PATIENCE_MS });
      process.stdout.write(json ? `${JSON.stringify(report, null, 2)}\n` : printable(reportText(report)));
      ended(report.checks.some(({ verdict }) => verdict === 'failed'));
    });
}

/** A file that cannot be used is a finding like others; the rest is looked at without it. */
async function usableConfig(options: ConfigOptions) {
  try {
    const config = await loadConfig(options);
    await actAsOwner(config.stateDir); // what the agent may do is to be seen, not what root may
    return { config, refusal: undefined };
  } catch (error) {
    return { config: configWithoutFile(options), refusal: toFailure(error) };
  }
}
