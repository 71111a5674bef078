import type { EngineDriver } from '../engines/driver.ts';
import { type Container, listContainers } from './containers.ts';
import { type Lead, usualPorts } from './leads.ts';
import { addressByName, type Standpoint, selfAmong, waysInto } from './reach.ts';

/** Time for one engine of containers to answer, in milliseconds: the rest of the look around waits for it. */
const LIST_MS = 1_000;
/** Containers looked at, over all engines of containers. */
const MAX_CONTAINERS = 500;

/** What running containers hold, and what kept the agent from seeing them. */
export async function containerLeads(
  socketPaths: readonly string[],
  drivers: EngineDriver[],
  { standpoint, signal }: { standpoint: Standpoint; signal: AbortSignal },
): Promise<{ leads: Lead[]; notes: string[] }> {
  const notes: string[] = [];
  const lists = await Promise.all(
    socketPaths.map((path) =>
      listContainers(path, AbortSignal.any([signal, AbortSignal.timeout(LIST_MS)])).catch(
        (error: unknown) => {
          const note = noteOf(path, error);
          if (note) notes.push(note);
          return [];
        },
      ),
    ),
  );
  const containers = new Map(lists.flat().map((one) => [one.id, one]));
  const self = selfAmong([...containers.values()], standpoint);
  containers.delete(self?.id ?? '');
  const all = [...containers.values()].slice(0, MAX_CONTAINERS);
  const leads = await Promise.all(all.map((one) => leadsInto(one, drivers, { self, standpoint })));
  return { leads: leads.flat(), notes };
}

async function leadsInto(
  container: Container,
  drivers: EngineDriver[],
  { self, standpoint }: { self: Container | undefined; standpoint: Standpoint },
): Promise<Lead[]> {
  const byImage = drivers.filter(({ traces }) => traces?.images.includes(imageName(container.image)));
  const inside = container.ports.map((port) => port.inside);
  const byPort = drivers.filter((driver) => usualPorts(driver).some((port) => inside.includes(port)));
  const likely = byImage.length > 0 ? byImage : byPort;
  const open = new Set(likely.flatMap((driver) => portsOf(driver, inside, byImage.length > 0)));
  if (open.size === 0) return [];
  const beside = self?.networks.some(({ name }) => container.networks.some((one) => one.name === name));
  const named = beside ? await addressByName(container) : undefined;
  return [...open].flatMap((port): Lead[] => {
    const ways = waysInto(container, port, { around: standpoint.around, named });
    return ways.length > 0 ? [{ source: 'container', drivers: likely, ways, container: container.name }] : [];
  });
}

/** The engine's ports that the container names; its default one where the image alone tells the engine. */
function portsOf(driver: EngineDriver, inside: number[], certain: boolean): number[] {
  const named = usualPorts(driver).filter((port) => inside.includes(port));
  if (named.length > 0 || !certain) return named;
  return usualPorts(driver).slice(0, 1);
}

/** `registry.example.org:5000/team/postgres:16@sha256:…` is a `postgres`. */
function imageName(image: string): string {
  return (image.split('@')[0]?.split('/').at(-1) ?? '').replace(/:.*$/, '').toLowerCase();
}

/** Most hosts have no engine of containers, which is nothing to tell. */
function noteOf(path: string, error: unknown): string | undefined {
  const code = (error as NodeJS.ErrnoException).code;
  if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
  if (code === 'EACCES' || code === 'EPERM') {
    return `Containers were not looked at: the agent may not open ${path}. This is optional. To allow it, add the agent’s user to the socket’s group (usually “docker”) and restart the agent; whoever may use that socket can become root on the host. Servers in containers can also be added by hand.`;
  }
  return `Containers were not looked at: ${path} gave no list (${reasonOf(error)}).`;
}

function reasonOf(error: unknown): string {
  const { code, message, name } = error as NodeJS.ErrnoException;
  if (name === 'AbortError' || name === 'TimeoutError') return 'it did not answer in time';
  return code ?? message;
}
