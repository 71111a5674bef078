CREATE TABLE `account` (
	`id` text PRIMARY KEY NOT NULL,
	`accountId` text NOT NULL,
	`providerId` text NOT NULL,
	`userId` text NOT NULL,
	`accessToken` text,
	`refreshToken` text,
	`idToken` text,
	`accessTokenExpiresAt` integer,
	`refreshTokenExpiresAt` integer,
	`scope` text,
	`password` text,
	`createdAt` integer NOT NULL,
	`updatedAt` integer NOT NULL,
	FOREIGN KEY (`userId`) REFERENCES `user`(`id`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE INDEX `account_user` ON `account` (`userId`);--> statement-breakpoint
CREATE TABLE `apikey` (
	`id` text PRIMARY KEY NOT NULL,
	`configId` text DEFAULT 'default' NOT NULL,
	`name` text,
	`start` text,
	`referenceId` text NOT NULL,
	`prefix` text,
	`key` text NOT NULL,
	`refillInterval` integer,
	`refillAmount` integer,
	`lastRefillAt` integer,
	`enabled` integer DEFAULT true,
	`rateLimitEnabled` integer DEFAULT true,
	`rateLimitTimeWindow` integer,
	`rateLimitMax` integer,
	`requestCount` integer DEFAULT 0,
	`remaining` integer,
	`lastRequest` integer,
	`expiresAt` integer,
	`createdAt` integer NOT NULL,
	`updatedAt` integer NOT NULL,
	`permissions` text,
	`metadata` text
);
--> statement-breakpoint
CREATE INDEX `apikey_config` ON `apikey` (`configId`);--> statement-breakpoint
CREATE INDEX `apikey_reference` ON `apikey` (`referenceId`);--> statement-breakpoint
CREATE INDEX `apikey_key` ON `apikey` (`key`);--> statement-breakpoint
CREATE TABLE `rate_limit` (
	`id` text PRIMARY KEY NOT NULL,
	`key` text NOT NULL,
	`count` integer NOT NULL,
	`lastRequest` integer NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX `rate_limit_key_unique` ON `rate_limit` (`key`);--> statement-breakpoint
CREATE TABLE `session` (
	`id` text PRIMARY KEY NOT NULL,
	`expiresAt` integer NOT NULL,
	`token` text NOT NULL,
	`createdAt` integer NOT NULL,
	`updatedAt` integer NOT NULL,
	`ipAddress` text,
	`userAgent` text,
	`userId` text NOT NULL,
	FOREIGN KEY (`userId`) REFERENCES `user`(`id`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE UNIQUE INDEX `session_token_unique` ON `session` (`token`);--> statement-breakpoint
CREATE INDEX `session_user` ON `session` (`userId`);--> statement-breakpoint
CREATE TABLE `user` (
	`id` text PRIMARY KEY NOT NULL,
	`name` text NOT NULL,
	`email` text NOT NULL,
	`emailVerified` integer DEFAULT false NOT NULL,
	`image` text,
	`createdAt` integer NOT NULL,
	`updatedAt` integer NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX `user_email_unique` ON `user` (`email`);--> statement-breakpoint
CREATE TABLE `verification` (
	`id` text PRIMARY KEY NOT NULL,
	`identifier` text NOT NULL,
	`value` text NOT NULL,
	`expiresAt` integer NOT NULL,
	`createdAt` integer NOT NULL,
	`updatedAt` integer NOT NULL
);
--> statement-breakpoint
CREATE INDEX `verification_identifier` ON `verification` (`identifier`);--> statement-breakpoint
CREATE TABLE `agents` (
	`id` text PRIMARY KEY NOT NULL,
	`name` text NOT NULL,
	`identityKey` text NOT NULL,
	`sealingKey` text NOT NULL,
	`version` text,
	`inventory` text,
	`createdAt` integer NOT NULL,
	`lastSeenAt` integer,
	`revokedAt` integer
);
--> statement-breakpoint
CREATE UNIQUE INDEX `agents_identityKey_unique` ON `agents` (`identityKey`);--> statement-breakpoint
CREATE TABLE `audit_log` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`at` integer NOT NULL,
	`actorKind` text NOT NULL,
	`actorId` text,
	`actorName` text,
	`action` text NOT NULL,
	`targetKind` text,
	`targetId` text,
	`targetName` text,
	`source` text,
	`details` text
);
--> statement-breakpoint
CREATE INDEX `audit_at` ON `audit_log` (`at`);--> statement-breakpoint
CREATE TABLE `databases` (
	`id` text PRIMARY KEY NOT NULL,
	`serverId` text NOT NULL,
	`name` text NOT NULL,
	`createdAt` integer NOT NULL,
	`protectedAt` integer,
	`stoppedAt` integer,
	`selection` text,
	FOREIGN KEY (`serverId`) REFERENCES `servers`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE UNIQUE INDEX `databases_name` ON `databases` (`serverId`,`name`);--> statement-breakpoint
CREATE TABLE `enrolment_tokens` (
	`id` text PRIMARY KEY NOT NULL,
	`name` text,
	`tokenHash` text NOT NULL,
	`createdAt` integer NOT NULL,
	`expiresAt` integer NOT NULL,
	`createdBy` text NOT NULL,
	`usedAt` integer,
	`agentId` text
);
--> statement-breakpoint
CREATE UNIQUE INDEX `enrolment_tokens_tokenHash_unique` ON `enrolment_tokens` (`tokenHash`);--> statement-breakpoint
CREATE TABLE `job_attempts` (
	`jobId` text NOT NULL,
	`attempt` integer NOT NULL,
	`state` text NOT NULL,
	`startedAt` integer NOT NULL,
	`finishedAt` integer,
	`failure` text,
	FOREIGN KEY (`jobId`) REFERENCES `jobs`(`id`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE UNIQUE INDEX `job_attempts_key` ON `job_attempts` (`jobId`,`attempt`);--> statement-breakpoint
CREATE TABLE `job_log` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`jobId` text NOT NULL,
	`at` integer NOT NULL,
	`text` text NOT NULL,
	FOREIGN KEY (`jobId`) REFERENCES `jobs`(`id`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE INDEX `job_log_job` ON `job_log` (`jobId`,`id`);--> statement-breakpoint
CREATE TABLE `jobs` (
	`id` text PRIMARY KEY NOT NULL,
	`kind` text NOT NULL,
	`state` text NOT NULL,
	`agentId` text NOT NULL,
	`serverId` text NOT NULL,
	`databaseId` text NOT NULL,
	`snapshotId` text NOT NULL,
	`vaultId` text NOT NULL,
	`sequence` integer,
	`plan` text,
	`afterJobId` text,
	`oneTimeAccount` integer DEFAULT false NOT NULL,
	`attempt` integer NOT NULL,
	`maxAttempts` integer NOT NULL,
	`notBefore` integer NOT NULL,
	`leaseUntil` integer,
	`cancelRequestedAt` integer,
	`progress` text,
	`result` text,
	`failure` text,
	`requestedBy` text NOT NULL,
	`createdAt` integer NOT NULL,
	`startedAt` integer,
	`finishedAt` integer,
	FOREIGN KEY (`agentId`) REFERENCES `agents`(`id`) ON UPDATE no action ON DELETE no action,
	FOREIGN KEY (`serverId`) REFERENCES `servers`(`id`) ON UPDATE no action ON DELETE no action,
	FOREIGN KEY (`databaseId`) REFERENCES `databases`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE INDEX `jobs_state` ON `jobs` (`state`,`createdAt`);--> statement-breakpoint
CREATE INDEX `jobs_database` ON `jobs` (`databaseId`,`createdAt`);--> statement-breakpoint
CREATE INDEX `jobs_created` ON `jobs` (`createdAt`);--> statement-breakpoint
CREATE INDEX `jobs_after` ON `jobs` (`afterJobId`);--> statement-breakpoint
CREATE TABLE `servers` (
	`id` text PRIMARY KEY NOT NULL,
	`agentId` text NOT NULL,
	`name` text NOT NULL,
	`engine` text NOT NULL,
	`connection` text NOT NULL,
	`version` text,
	`addedOnHost` integer NOT NULL,
	`autoProtectSince` integer,
	`removedAt` integer,
	`createdAt` integer NOT NULL,
	FOREIGN KEY (`agentId`) REFERENCES `agents`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE INDEX `servers_agent` ON `servers` (`agentId`);--> statement-breakpoint
CREATE TABLE `settings` (
	`key` text PRIMARY KEY NOT NULL,
	`value` text NOT NULL
);
--> statement-breakpoint
CREATE TABLE `chunks` (
	`serverId` text NOT NULL,
	`chunkId` blob NOT NULL,
	`packId` integer NOT NULL,
	`keyId` blob NOT NULL,
	`offset` integer NOT NULL,
	`length` integer NOT NULL,
	`rawLength` integer NOT NULL,
	PRIMARY KEY(`serverId`, `chunkId`, `packId`)
);
--> statement-breakpoint
CREATE INDEX `chunks_pack` ON `chunks` (`packId`);--> statement-breakpoint
CREATE TABLE `packs` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`vaultId` text NOT NULL,
	`sha256` text NOT NULL,
	`serverId` text NOT NULL,
	`length` integer NOT NULL,
	`createdAt` integer NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX `packs_sha` ON `packs` (`vaultId`,`sha256`);--> statement-breakpoint
CREATE TABLE `snapshots` (
	`id` text PRIMARY KEY NOT NULL,
	`vaultId` text NOT NULL,
	`databaseId` text NOT NULL,
	`serverId` text NOT NULL,
	`agentId` text NOT NULL,
	`jobId` text NOT NULL,
	`engine` text NOT NULL,
	`sequence` integer NOT NULL,
	`path` text NOT NULL,
	`rawBytes` integer NOT NULL,
	`storedBytes` integer NOT NULL,
	`serverVersion` text NOT NULL,
	`tool` text NOT NULL,
	`partial` integer NOT NULL,
	`startedAt` integer NOT NULL,
	`finishedAt` integer NOT NULL,
	`createdAt` integer NOT NULL
);
--> statement-breakpoint
CREATE INDEX `snapshots_database` ON `snapshots` (`databaseId`,`sequence`);--> statement-breakpoint
CREATE TABLE `vault_keys` (
	`vaultId` text NOT NULL,
	`keyId` text NOT NULL,
	`kind` text NOT NULL,
	`serverId` text NOT NULL,
	`hash` text NOT NULL,
	PRIMARY KEY(`vaultId`, `keyId`)
);
--> statement-breakpoint
CREATE TABLE `vaults` (
	`id` text PRIMARY KEY NOT NULL,
	`name` text NOT NULL,
	`mode` text NOT NULL,
	`store` text NOT NULL,
	`createdAt` integer NOT NULL
);--> statement-breakpoint
CREATE TRIGGER `audit_log_no_update` BEFORE UPDATE ON `audit_log` BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;--> statement-breakpoint
CREATE TRIGGER `audit_log_no_delete` BEFORE DELETE ON `audit_log` BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
