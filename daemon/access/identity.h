// Who sent a request, and how far that reaches. What the journal and the access log say of them is the actor.
#pragma once

#include <string>
#include <vector>

#include "billing/core/statement.h"
#include "daemon/access/role.h"

namespace voucherd::access {

struct Identity {
  billing::Actor actor;  // {"token", id} or {"certificate", fingerprint}
  std::string token;     // the id of what lets them in
  Role role = Role::ingest;
  std::string source;              // ingest: of events and of what corrections correct
  std::vector<std::string> firms;  // firm: whose figures they read
};

}  // namespace voucherd::access
