// A resume point counts only for the file and the server that it was made with.
#include "daemon/ctl/resume_file.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "tests/support/temp_dir.h"

namespace voucherd::ctl {
namespace {

class ResumeFileTest : public ::testing::Test {
 protected:
  void write(const std::string& text) { std::ofstream(file_, std::ios::binary | std::ios::trunc) << text; }

  testing::TempDir dir_;
  const std::string file_ = dir_.path() + "/events.ndjson";
  const std::string server_ = "http://127.0.0.1:8080";
};

TEST_F(ResumeFileTest, GivesBackThePointThatWasKept) {
  write("one\ntwo\nthree\n");
  const ResumeFile resume(file_);
  const ResumePoint point{server_, 8, 2, 17};
  ASSERT_TRUE(resume.save(point));
  EXPECT_EQ(resume.load(server_), point);
}

TEST_F(ResumeFileTest, KnowsNothingWhereNothingWasKept) {
  write("one\n");
  EXPECT_EQ(ResumeFile(file_).load(server_), std::nullopt);
}

TEST_F(ResumeFileTest, StillFitsAFileThatHasGrown) {
  write("one\ntwo\n");
  const ResumeFile resume(file_);
  ASSERT_TRUE(resume.save({server_, 8, 2, 17}));
  write("one\ntwo\nthree\n");
  EXPECT_TRUE(resume.load(server_).has_value());
}

TEST_F(ResumeFileTest, DoesNotFitAnotherServer) {
  write("one\ntwo\n");
  const ResumeFile resume(file_);
  ASSERT_TRUE(resume.save({server_, 8, 2, 17}));
  EXPECT_EQ(resume.load("http://127.0.0.1:9090"), std::nullopt);
}

TEST_F(ResumeFileTest, DoesNotFitAFileThatWasChangedBeforeThePoint) {
  write("one\ntwo\n");
  const ResumeFile resume(file_);
  ASSERT_TRUE(resume.save({server_, 8, 2, 17}));
  write("one\nTWO\n");
  EXPECT_EQ(resume.load(server_), std::nullopt);
}

TEST_F(ResumeFileTest, DoesNotFitAFileThatBecameShorter) {
  write("one\ntwo\n");
  const ResumeFile resume(file_);
  ASSERT_TRUE(resume.save({server_, 8, 2, 17}));
  write("one\n");
  EXPECT_EQ(resume.load(server_), std::nullopt);
}

TEST_F(ResumeFileTest, TakesADamagedResumeFileForNone) {
  write("one\ntwo\n");
  const ResumeFile resume(file_);
  for (const char* damaged : {"", "{", "[]", R"({"server":"http://127.0.0.1:8080","offset":"8"})"}) {
    std::ofstream(resume.path(), std::ios::trunc) << damaged;
    EXPECT_EQ(resume.load(server_), std::nullopt) << damaged;
  }
}

TEST_F(ResumeFileTest, LeavesNothingBehindWhenItIsRemoved) {
  write("one\n");
  const ResumeFile resume(file_);
  ASSERT_TRUE(resume.save({server_, 4, 1, 17}));
  resume.remove();
  EXPECT_FALSE(std::filesystem::exists(resume.path()));
}

}  // namespace
}  // namespace voucherd::ctl
