import { Link } from '@tanstack/react-router';
import { buttonClass } from './button.tsx';
import { Empty } from './layout.tsx';

/** What stands in the place of servers while no agent could reach any. */
export function NoAgent() {
  return (
    <Empty
      title="First an agent, then a server"
      action={
        <Link to="/agents" className={buttonClass('primary')}>
          Go to agents
        </Link>
      }
    >
      Servers are reached through an agent on a host near them.
    </Empty>
  );
}
