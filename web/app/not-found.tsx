import { Link } from '@tanstack/react-router';
import { buttonClass } from '../components/button.tsx';
import { PublicFrame } from '../pages/public-frame.tsx';

export function NotFound() {
  return (
    <PublicFrame title="Not found" lead="There is no page at this address.">
      <div className="grid justify-items-center gap-4 text-center text-ink-2">
        <p>The link may be old, or mistyped.</p>
        <Link to="/" className={buttonClass()}>
          Go to the overview
        </Link>
      </div>
    </PublicFrame>
  );
}
