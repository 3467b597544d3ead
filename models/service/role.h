/*
 * Who does something: the role that a user or a token has, and the server itself. The service roles
 * of the documents map onto these: clerk and duty engineer are dispatchers; supervisor, leadership
 * and technical department are managers.
 */
#pragma once

enum role {
    ROLE_NONE, /* nobody: may do nothing */
    ROLE_VIEWER,
    ROLE_INTEGRATION, /* another program; may what a dispatcher may */
    ROLE_TECHNICIAN,
    ROLE_DISPATCHER,
    ROLE_MANAGER,
    ROLE_ADMIN,
    ROLE_SERVER, /* the server's own doing: telemetry, clocks, what follows from a work order */
};

#define ROLE_BIT(role) (1U << (role))
