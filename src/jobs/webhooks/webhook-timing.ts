/** Of the attempts at a webhook. Seconds: after 1 to 2, then twice as long each time, up to ten minutes; about four hours in all. */
export const webhookRetries = Object.freeze({ retryLimit: 30, retryDelay: 1, retryBackoff: true, retryDelayMax: 600 });

/** Milliseconds for the answer: of the first attempt, and of those after it, since a receiver that hangs goes on to. */
export const answerTimeouts = Object.freeze({ first: 15_000, later: 10_000 });

/** Milliseconds between two looks for webhooks that are due, whose end of waiting nobody announces. */
export const pollMilliseconds = 1000;

/** Milliseconds between two signs of life of a delivery that is under way. */
export const heartbeatMilliseconds = 2500;

/** Seconds after which a delivery is taken from a sender that is alive but stuck. */
export const expireInSeconds = 180;

/** Seconds for which the queue keeps a webhook that is not delivered. */
export const retentionSeconds = 7 * 86_400;
