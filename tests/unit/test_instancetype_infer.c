/* SPDX-License-Identifier: Apache-2.0 */
/* What volumes say of a VM: the names that it infers from them, its architecture, and its storage class. */
#include "tests/unit/test_instancetype.h"

#define INFER "'instancetype':{'inferFromVolume':'v'}"
#define INFER_OR_NOT "'instancetype':{'inferFromVolume':'v','inferFromVolumeFailurePolicy':'Ignore'}"
#define OF_CLAIM(name)                                                        \
        "{'volumes':[{'name':'v','persistentVolumeClaim':{'claimName':'" name \
        "'}}],'domain':{'memory':{'guest':'1Gi'}}}"
#define OF_VOLUME(name) "{'volumes':[{'name':'v','dataVolume':{'name':'" name "'}}]}"
#define CDI(kind, name, labels, spec)                                                         \
        "{'apiVersion':'cdi.kubevirt.io/v1beta1','kind':'" kind "','metadata':{'name':'" name \
        "','labels':{" labels "}},'spec':{" spec "}}"
#define CARRIES "'" LABEL "instancetype':'medium'"

static void test_inference(void **state) {
        (void)state;
        const char *missing = "unable to find required " LABEL "instancetype label on the volume";
        refuses(INFER, OF_CLAIM("c"), MEDIUM "," CLAIM("c", CARRIES), 422, "Invalid",
                CONFLICT(AT "domain.memory.guest"), AT "domain.memory.guest");
        makes(INFER_OR_NOT, OF_CLAIM("c"), MEDIUM "," CLAIM("c", CARRIES), "2x1x1", "2Gi");
        makes(INFER_OR_NOT, OF_CLAIM("c"),
              OWN_TYPE("medium", TWO_GI) "," CLAIM(
                      "c", CARRIES ",'" LABEL "instancetype-kind':'VirtualMachineInstancetype'"),
              "2x1x1", "2Gi");
        refuses(INFER, OF_CLAIM("c"), CLAIM("c", ""), 400, "", missing, "");
        refuses(INFER, OF_CLAIM("c"), "", 400, "", "persistentvolumeclaims \"c\" not found", "");
        refuses(INFER_OR_NOT, OF_CLAIM("c"), "", 400, "", "persistentvolumeclaims \"c\" not found", "");
        refuses(INFER_OR_NOT, "{}", "", 400, "", "unable to find volume v to infer defaults", "");
        refuses(INFER, "{'volumes':[{'name':'v','emptyDisk':{}}]}", "", 400, "",
                "unable to infer defaults from volume v as type is not supported", "");
        struct made m;
        const struct mv_made *made = make(&m, INFER_OR_NOT, OF_CLAIM("c"), CLAIM("c", ""));
        assert_null(made->refused);
        assert_null(made->vm.spec.instancetype);
        assert_str(made->template.spec.domain.memory->guest, "1Gi");
        done(&m);

        const char *from_claim = MEDIUM "," CLAIM("c", CARRIES) ",";
        char objects[2048];
        static const char *const chains[] = {
                CDI("DataVolume", "d", CARRIES, ""),
                CDI("DataVolume", "d", "", "'source':{'pvc':{'name':'c','namespace':'default'}}"),
                CDI("DataVolume", "d", "",
                    "'sourceRef':{'kind':'DataSource','name':'s'}") "," CDI("DataSource", "s", CARRIES, ""),
                CDI("DataVolume", "d", "", "'sourceRef':{'kind':'DataSource','name':'s'}") "," CDI(
                        "DataSource", "s", "", "'source':{'pvc':{'name':'c','namespace':'default'}}"),
                CDI("DataVolume", "d", "",
                    "'source':{'snapshot':{'name':'x','namespace':'default'}}") ",{'apiVersion':'snapshot.storage.k8s.io/v1','kind':'VolumeSnapshot','metadata':{'name':'x','labels':{" CARRIES
                                                                                "}}}",
        };
        for (size_t i = 0; i < sizeof chains / sizeof *chains; i++) {
                snprintf(objects, sizeof objects, "%s%s", from_claim, chains[i]);
                makes(INFER, OF_VOLUME("d"), objects, "2x1x1", "2Gi");
        }
        makes(INFER, OF_VOLUME("c"), MEDIUM "," CLAIM("c", CARRIES), "2x1x1", "2Gi");
        makes(INFER
              ",'dataVolumeTemplates':[{'metadata':{'name':'d'},'spec':{'source':{'pvc':{'name':'c','namespace':'default'}}}}]",
              OF_VOLUME("d"), MEDIUM "," CLAIM("c", CARRIES), "2x1x1", "2Gi");
        refuses(INFER, OF_VOLUME("d"), CDI("DataVolume", "d", "", "'source':{'blank':{}}"), 400, "",
                "unable to infer defaults from DataVolumeSpec as DataVolumeSource is not supported", "");
        refuses(INFER, OF_VOLUME("d"), CDI("DataVolume", "d", "", "'sourceRef':{'kind':'Foo','name':'s'}"),
                400, "", "unable to infer defaults from DataVolumeSourceRef as Kind Foo is not supported",
                "");
        refuses(INFER, OF_VOLUME("d"),
                CDI("DataVolume", "d", "", "'sourceRef':{'kind':'DataSource','name':'s'}"), 400, "",
                "datasources.cdi.kubevirt.io \"s\" not found", "");
}

static void test_storage_class_and_source(void **state) {
        (void)state;
        struct made m;
        const struct mv_made *made = make(
                &m,
                "'preference':{'name':'p'},'dataVolumeTemplates':[{'metadata':{'name':'a'},'spec':{'storage':{},'sourceRef':"
                "{'kind':'DataSource','name':'s'}}},{'metadata':{'name':'b'},'spec':{'pvc':{'storageClassName':'own'}}}]",
                "{}",
                PREFERENCE("p", "'volumes':{'preferredStorageClassName':'fast'}") "," CDI(
                        "DataSource", "s", "",
                        "'source':{'dataSource':{'name':'t','namespace':'default'}}") "," CDI("DataSource",
                                                                                              "t",
                                                                                              "'template.kubevirt.io/architecture':'s390x'",
                                                                                              ""));
        assert_str(made->vm.spec.data_volume_templates.items[0].spec.storage->storage_class_name, "fast");
        assert_str(made->vm.spec.data_volume_templates.items[1].spec.pvc->storage_class_name, "own");
        assert_str(made->template.spec.architecture, "s390x");
        assert_str(made->template.spec.domain.machine.type, "s390-ccw-virtio");
        done(&m);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_inference),
                cmocka_unit_test(test_storage_class_and_source),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
