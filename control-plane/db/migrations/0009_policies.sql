CREATE TABLE `policies` (
	`id` text PRIMARY KEY NOT NULL,
	`name` text NOT NULL,
	`schedule` text NOT NULL,
	`everywhere` integer DEFAULT false NOT NULL,
	`labels` text DEFAULT '[]' NOT NULL,
	`createdAt` integer NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX `policies_name_unique` ON `policies` (`name`);--> statement-breakpoint
CREATE TABLE `policy_choices` (
	`kind` text NOT NULL,
	`targetId` text NOT NULL,
	`policyId` text,
	PRIMARY KEY(`kind`, `targetId`),
	FOREIGN KEY (`policyId`) REFERENCES `policies`(`id`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE TABLE `schedules` (
	`databaseId` text PRIMARY KEY NOT NULL,
	`policyId` text NOT NULL,
	`source` text NOT NULL,
	`label` text,
	`schedule` text NOT NULL,
	`dueAt` integer,
	`startsAt` integer,
	`skippedAt` integer,
	`skipped` text
);
--> statement-breakpoint
CREATE INDEX `schedules_start` ON `schedules` (`startsAt`);--> statement-breakpoint
CREATE INDEX `schedules_policy` ON `schedules` (`policyId`);