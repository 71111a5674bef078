CREATE TABLE `agent_updates` (
	`id` text PRIMARY KEY NOT NULL,
	`agentId` text NOT NULL,
	`fromVersion` text NOT NULL,
	`toVersion` text NOT NULL,
	`state` text NOT NULL,
	`formerOutcomeAt` text,
	`failure` text,
	`requestedBy` text NOT NULL,
	`createdAt` integer NOT NULL,
	`finishedAt` integer,
	FOREIGN KEY (`agentId`) REFERENCES `agents`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE INDEX `agent_updates_agent` ON `agent_updates` (`agentId`,`createdAt`);
