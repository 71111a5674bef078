CREATE TABLE `rollouts` (
	`id` text PRIMARY KEY NOT NULL,
	`version` text NOT NULL,
	`state` text NOT NULL,
	`batches` text NOT NULL,
	`current` integer NOT NULL,
	`skipped` text NOT NULL,
	`failure` text,
	`requestedBy` text NOT NULL,
	`createdAt` integer NOT NULL,
	`finishedAt` integer
);
