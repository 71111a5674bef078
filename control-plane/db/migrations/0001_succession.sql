ALTER TABLE `agents` ADD `predecessorId` text;--> statement-breakpoint
ALTER TABLE `enrolment_tokens` ADD `successorOf` text;--> statement-breakpoint
ALTER TABLE `enrolment_tokens` ADD `cutsOff` integer DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE `servers` ADD `awaitsCredentialsSince` integer;
