/** The anchor of Homeport; decorative, the name stands beside it. */
export function Logo({ size = 26 }: { size?: number }) {
  return (
    <svg viewBox="0 0 32 32" width={size} height={size} aria-hidden="true" className="shrink-0 text-accent">
      <rect width="32" height="32" rx="8" fill="currentColor" />
      <g
        fill="none"
        className="stroke-on-accent"
        strokeWidth="2.4"
        strokeLinecap="round"
        strokeLinejoin="round"
      >
        <circle cx="16" cy="9" r="2.6" />
        <path d="M16 11.6V25M11 15.5h10M7 19c.6 3.6 4.2 6 9 6s8.4-2.4 9-6" />
      </g>
    </svg>
  );
}
