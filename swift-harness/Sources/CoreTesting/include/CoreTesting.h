// What an engine built with the feature `testing` exports beside its API.

#pragma once
#include <stdint.h>

/// How many streams, observers and live queries a client has in the core.
/// Takes the reference that the handle is.
uint64_t wildthing_testing_subscriptions(uint64_t client);
