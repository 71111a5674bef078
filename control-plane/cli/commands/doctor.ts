import type { Command } from 'commander';
import { doctorReportSchema } from '../../../protocol/doctor.ts';
import { reportText } from '../../../protocol/doctor-text.ts';
import { EXIT, Quit } from '../exit.ts';
import { agentCalled } from '../remote/resolve.ts';
import { JSON_OPTION, type Json, say, sayJson } from '../say.ts';
import { connect } from './session.ts';

/** `agents doctor`. @param agents the command it belongs to */
export function addDoctorCommand(agents: Command): void {
  agents
    .command('doctor')
    .description('let a connected agent look at all it needs, and say what to do about what is not well')
    .argument('<agent>', 'id or name')
    .option(...JSON_OPTION)
    // The option is one of `agents` as well, which takes it wherever it stands.
    .action((wanted: string, _: Json, command: Command) => doctor(wanted, command.optsWithGlobals()));
}

async function doctor(wanted: string, { json }: Json): Promise<void> {
  const client = await connect();
  const { id } = await agentCalled(client, wanted);
  const report = await client.post(`/agents/${id}/doctor`, {}, doctorReportSchema);
  if (json) sayJson(report);
  else say(reportText(report).trimEnd());
  if (report.checks.some(({ verdict }) => verdict === 'failed')) throw new Quit(EXIT.failed);
}
