interface ProgressBarProps {
  label: string;
  /** Share done, 0–1; undefined: unknown. */
  done: number | undefined;
}

export function ProgressBar({ label, done }: ProgressBarProps) {
  return (
    <div
      role="progressbar"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={100}
      {...(done === undefined ? {} : { 'aria-valuenow': Math.floor(done * 100) })}
      className="h-2 overflow-hidden rounded-full bg-raised"
    >
      {done === undefined ? (
        <div className="h-full w-1/3 animate-pulse rounded-full bg-accent" />
      ) : (
        <div
          className="h-full rounded-full bg-accent transition-[width] duration-500"
          style={{ width: `${done * 100}%` }}
        />
      )}
    </div>
  );
}
