#include "daemon/api/month_package.h"

#include "billing/core/month_summary.h"
#include "billing/render/csv.h"
#include "billing/render/document_size.h"
#include "billing/render/report.h"
#include "billing/render/xlsx.h"
#include "billing/render/zip_writer.h"
#include "daemon/api/daily_usage.h"
#include "daemon/api/problem.h"
#include "daemon/api/statement_walk.h"
#include "daemon/api/summary_head.h"

namespace voucherd::api {

namespace {

using Json = nlohmann::ordered_json;
using billing::ZipWriter;

/// What only the render thread touches.
class PackageFiles {
 public:
  PackageFiles(Documents& documents, Month period, const PackageFormats& formats)
      : documents_(documents), period_(period), formats_(formats), summary_(period) {}

  Result<void> add_statement(const FoundStatement& found, const std::vector<billing::DailyUsage>& daily,
                             const billing::Letterhead& letterhead) {
    Json statement = Json::parse(found.canonical);
    summary_.add(statement);
    const std::string stem = stem_of(statement.at("firm").at("uscc").get<std::string>());
    if (formats_.json) zip_.add(stem + ".json", with_journal(found), ZipWriter::Pack::deflate);
    if (formats_.csv)
      zip_.add(stem + ".csv", billing::render_csv(statement, formats_.excel), ZipWriter::Pack::deflate);
    statement["journal"] = journal_of(found);  // the CSV has it not
    if (formats_.xlsx) {
      const auto made = billing::render_xlsx(statement, daily, letterhead);
      if (auto added = add_document(stem + ".xlsx", made); !added) return added;
    }
    if (!formats_.pdf) return {};
    return add_document(stem + ".pdf", documents_.pdf->render(statement, letterhead));
  }

  /// `head` stands above the sums.
  Result<void> finish(Json head) {
    head.update(summary_.shown());
    const billing::Report report = billing::summary_report(head);
    if (formats_.json) zip_.add(stem_of("summary") + ".json", head.dump() + "\n", ZipWriter::Pack::deflate);
    zip_.add(stem_of("summary") + ".csv", report_csv(report, formats_.excel), ZipWriter::Pack::deflate);
    if (auto added = add_document(stem_of("summary") + ".xlsx", report_xlsx(report)); !added) return added;
    zip_.finish();
    return {};
  }

  std::size_t bytes() const { return zip_.bytes(); }
  std::string take() { return zip_.take(); }

 private:
  std::string stem_of(const std::string& what) const {
    return to_string(period_) + "/" + to_string(period_) + "-" + what;
  }

  /// One that would be too large is replaced by a text that says so: it must not keep the others back.
  Result<void> add_document(const std::string& name, const Result<std::string>& made) {
    if (made) {
      zip_.add(name, *made, ZipWriter::Pack::store);
      return {};
    }
    if (made.error().code != billing::document_too_large) return made.error();
    zip_.add(name + ".txt", "文件过大，未生成 Too large, not made: " + made.error().detail + "\n",
             ZipWriter::Pack::deflate);
    return {};
  }

  Documents& documents_;
  Month period_;
  PackageFormats formats_;
  billing::MonthSummary summary_;
  ZipWriter zip_;
};

/// The owner thread's side. `files_` belongs to the render thread while a job of it is under way.
class Package final : public StatementWalk {
 public:
  Package(const Engine& engine, Documents& documents, std::shared_ptr<PackagesUnderWay> under_way,
          Month period, const PackageFormats& formats, http::Reply reply)
      : StatementWalk(engine, period),
        thread_(documents.thread),
        under_way_(std::move(under_way)),
        daily_wanted_(formats.xlsx),
        files_(std::make_shared<PackageFiles>(documents, period, formats)),
        reply_(std::move(reply)) {
    ++under_way_->count;
  }
  ~Package() override { --under_way_->count; }
  Package(const Package&) = delete;
  Package& operator=(const Package&) = delete;

 private:
  std::shared_ptr<Package> self() { return std::static_pointer_cast<Package>(shared_from_this()); }

  bool take(FoundStatement found) override {
    if (reply_) {
      first_ = std::move(found);
      begin_reply();
    } else {
      make_files(found);
    }
    return false;
  }

  void begin_reply() {
    http::Response response;
    response.content_type = "application/zip";
    response.headers.emplace_back("Content-Disposition",
                                  "attachment; filename=\"" + to_string(period()) + "-statements.zip\"");
    response.next_piece = [self = self()](http::DeliverPiece deliver) { self->next(std::move(deliver)); };
    std::exchange(reply_, nullptr)(std::move(response));
  }

  /// Makes and hands over the next piece.
  void next(http::DeliverPiece deliver) {
    deliver_ = std::move(deliver);
    if (ended_) return hand_over();
    if (!first_) return go_on();
    const FoundStatement found = std::move(*first_);
    first_.reset();
    make_files(found);
  }

  void make_files(const FoundStatement& found) {
    if (!daily_wanted_) return render(found, {});
    gather_daily_usage(engine(), Json::parse(with_journal(found)),
                       [self = self(), found](std::vector<billing::DailyUsage> daily) {
                         self->render(found, std::move(daily));
                       });
  }

  void render(const FoundStatement& found, std::vector<billing::DailyUsage> daily) {
    thread_.go_on([files = files_, found, daily = std::move(daily),
                   letterhead = letterhead_at(
                       engine(), found.position)] { return files->add_statement(found, daily, letterhead); },
                  [self = self()](const Result<void>& outcome) { self->rendered(outcome); });
  }

  void rendered(const Result<void>& outcome) {
    if (!outcome) return end_here();
    if (ended_ || files_->bytes() >= package_piece_bytes) return hand_over();
    go_on();
  }

  void finish() override {
    if (reply_) return std::exchange(reply_, nullptr)(not_found(to_string(period()) + " has no statements"));
    ended_ = true;
    thread_.go_on([files = files_, head = summary_head(engine(), period())] { return files->finish(head); },
                  [self = self()](const Result<void>& outcome) { self->rendered(outcome); });
  }

  /// It would hold drafts under the head of a closed month.
  void closed_meanwhile() override {
    if (!reply_) return end_here();
    begin_again();
    go_on();
  }

  /// Without the list of files, so that nobody takes it for whole.
  void end_here() {
    ended_ = true;
    hand_over();
  }

  void hand_over() { std::exchange(deliver_, nullptr)(files_->take()); }

  RenderThread& thread_;
  std::shared_ptr<PackagesUnderWay> under_way_;  // what is left of the walk may outlive the routes
  bool daily_wanted_;
  std::shared_ptr<PackageFiles> files_;
  http::Reply reply_;                    // until the first statement is found
  std::optional<FoundStatement> first_;  // until its files are asked for
  http::DeliverPiece deliver_;
  bool ended_ = false;
};

}  // namespace

void send_month_package(const Engine& engine, Documents& documents,
                        const std::shared_ptr<PackagesUnderWay>& under_way, Month period,
                        const PackageFormats& formats, http::Reply reply) {
  std::make_shared<Package>(engine, documents, under_way, period, formats, std::move(reply))->go_on();
}

}  // namespace voucherd::api
