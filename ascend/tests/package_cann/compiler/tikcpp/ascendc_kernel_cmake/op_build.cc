// In the place of CANN's op_build: writes what it makes of the operator that was registered. Linked with the package's
// host sources.
#include <register/op_def_registry.h>

#include <cctype>
#include <fstream>
#include <string>

namespace {

bool capital(char c) { return std::isupper(static_cast<unsigned char>(c)) != 0; }

// An underscore before a capital whose predecessor is no capital, or is one and has a lower-case successor.
std::string snake_case(const std::string& type) {
  std::string name;
  for (size_t i = 0; i < type.size(); ++i) {
    const bool ends_run = i + 1 < type.size() && std::islower(static_cast<unsigned char>(type[i + 1])) != 0;
    if (i > 0 && capital(type[i]) && (!capital(type[i - 1]) || ends_run)) name += '_';
    name += static_cast<char>(std::tolower(static_cast<unsigned char>(type[i])));
  }
  return name;
}

std::string dtypes_of(const ops::OpParamDef& tensor) {
  std::string text;
  for (const ge::DataType type : tensor.types) {
    text += text.empty() ? "" : ",";
    text += type == ge::DT_FLOAT ? "float32" : type == ge::DT_FLOAT16 ? "float16" : "bfloat16";
  }
  return text;
}

}  // namespace

int main(int, char** argv) {
  const ops::OpDef* op = ops::registered();
  if (op == nullptr) return 1;
  const std::string out = std::string(argv[1]) + "/";
  const std::string name = snake_case(op->type());

  std::string parameters;
  for (const ops::OpParamDef& input : op->inputs) {
    parameters += "const aclTensor* " + input.name + (input.required ? ", " : "Optional, ");
  }
  for (const ops::OpParamDef& output : op->outputs) parameters += "const aclTensor* " + output.name + "Out, ";
  const std::string declaration = "int aclnn" + op->type() + "GetWorkspaceSize(" + parameters +
                                  "unsigned long* workspaceSize, struct aclOpExecutor** executor)";
  std::ofstream(out + "aclnn_" + name + ".h")
      << "struct aclTensor;\nstruct aclOpExecutor;\nextern \"C\" " << declaration << ";\n";
  std::string body = " {\n";
  for (const ops::OpParamDef& input : op->inputs) {
    body += "  static_cast<void>(" + input.name + (input.required ? ");\n" : "Optional);\n");
  }
  for (const ops::OpParamDef& output : op->outputs) body += "  static_cast<void>(" + output.name + "Out);\n";
  std::ofstream(out + "aclnn_" + name + ".cpp")
      << "#include \"aclnn_" << name << ".h\"\n"
      << declaration << body << "  static_cast<void>(executor);\n  *workspaceSize = 0;\n  return 0;\n}\n";

  std::ofstream proto(out + "op_proto.h");
  proto << "REG_OP(" << op->type() << ")\n";
  for (const ops::OpParamDef& input : op->inputs) {
    proto << (input.required ? "    .INPUT(" : "    .OPTIONAL_INPUT(") << input.name << ", TensorType::ALL())\n";
  }
  for (const ops::OpParamDef& output : op->outputs) proto << "    .OUTPUT(" << output.name << ", TensorType::ALL())\n";
  proto << "    .OP_END_FACTORY_REG(" << op->type() << ")\n";
  std::ofstream(out + "op_proto.cc") << "\n";

  for (const std::string& unit : op->core.units) {
    std::ofstream ini(out + "aic-" + unit + "-ops-info.ini");
    ini << "[" << op->type() << "]\nopFile.value=" << name << "\n";
    const auto describe = [&ini](const char* kind, size_t i, const ops::OpParamDef& tensor, bool required) {
      const std::string key = kind + std::to_string(i);
      ini << key << ".name=" << tensor.name << "\n"
          << key << ".paramType=" << (required ? "required" : "optional") << "\n"
          << key << ".dtype=" << dtypes_of(tensor) << "\n";
    };
    for (size_t i = 0; i < op->inputs.size(); ++i) describe("input", i, op->inputs[i], op->inputs[i].required);
    for (size_t i = 0; i < op->outputs.size(); ++i) describe("output", i, op->outputs[i], true);
  }
  return 0;
}
